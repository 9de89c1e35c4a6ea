"""Reads the first sheet of a workbook with openpyxl in its read-only mode, and prints how long that took.

usage: with_openpyxl.py XLSX

The rows are read to the end as values and given away, as somebody would who loads them.
"""

import json
import resource
import sys
from time import perf_counter

import openpyxl

started = perf_counter()
book = openpyxl.load_workbook(sys.argv[1], read_only=True, data_only=True)
rows = sum(1 for _ in book.worksheets[0].iter_rows(values_only=True))
print(json.dumps({
    "seconds": perf_counter() - started,
    "rows": rows,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "version": openpyxl.__version__,
}))
