"""Writes workbooks with XlsxWriter in its constant-memory mode, and prints how long the writing took.

usage: with_xlsxwriter.py ROWS FOLDER

ROWS holds a JSON value a line: a string begins a workbook of that name; a list [name, kinds] begins a sheet, a kind
("text", "money", ...) a column; {"row": [...]} is one row: strings, numbers and nulls. Each column has its number
format, so that the cells are those of our own workbooks. Only XlsxWriter's calls are timed, not reading ROWS.
"""

import json
import sys
from time import perf_counter

import xlsxwriter

FORMATS = {
    "text": "General", "code": "@", "integer": "#,##0", "ordinal": "0", "decimal": "#,##0.0",
    "money": "#,##0.00", "amount": "#,##0.00", "percent": "0.0%", "date": "yyyy-mm-dd", "month": "yyyy-mm",
}

seconds, rows, book = 0.0, 0, None
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        value = json.loads(line)
        started = perf_counter()
        if isinstance(value, dict):
            for column, cell in enumerate(value["row"]):
                style = styles[column]
                if cell is None:
                    sheet.write_blank(at, column, None, style)
                elif isinstance(cell, str):
                    sheet.write_string(at, column, cell, style)
                else:
                    sheet.write_number(at, column, cell, style)
            at += 1
            rows += 1
        elif isinstance(value, list):
            sheet = book.add_worksheet(value[0])
            styles = [formats[kind] for kind in value[1]]
            at = 0
        else:
            if book:
                book.close()
            book = xlsxwriter.Workbook(f"{sys.argv[2]}/{value}", {"constant_memory": True})
            formats = {kind: book.add_format({"num_format": code}) for kind, code in FORMATS.items()}
        seconds += perf_counter() - started
started = perf_counter()
book.close()
print(json.dumps({"seconds": seconds + perf_counter() - started, "rows": rows, "version": xlsxwriter.__version__}))
