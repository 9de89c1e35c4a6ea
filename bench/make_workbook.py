"""Turns a CSV file of invoice lines into a workbook as Excel saves one: shared strings, dates and numbers by type.

usage: make_workbook.py CSV XLSX

Columns whose name ends in "date" become dates; quantities, prices and amounts become numbers; the rest is text.
"""

import csv
import datetime
import re
import sys

import xlsxwriter

NUMBER = re.compile(r"quantity|amount|price", re.I)
DATE = re.compile(r"date$", re.I)

book = xlsxwriter.Workbook(sys.argv[2], {"constant_memory": False, "tmpdir": "."})
sheet = book.add_worksheet("Lines")
day = book.add_format({"num_format": "yyyy-mm-dd"})
money = book.add_format({"num_format": "#,##0.00"})
with open(sys.argv[1], encoding="utf-8", newline="") as lines:
    rows = csv.reader(lines)
    header = next(rows)
    sheet.write_row(0, 0, header)
    kinds = ["number" if NUMBER.search(name) else "date" if DATE.search(name) else "text" for name in header]
    for at, row in enumerate(rows, 1):
        for column, (kind, cell) in enumerate(zip(kinds, row)):
            if cell == "":
                continue
            if kind == "number":
                sheet.write_number(at, column, float(cell), money)
            elif kind == "date":
                sheet.write_datetime(at, column, datetime.datetime.fromisoformat(cell), day)
            else:
                sheet.write_string(at, column, cell)
book.close()
