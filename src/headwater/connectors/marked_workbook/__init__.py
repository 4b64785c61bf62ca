"""A workbook given back with cells coloured and noted, and one sheet more; all else in it stays byte for byte."""

from headwater.connectors.marked_workbook.marking import Mark, TableSheet, mark_workbook
from headwater.connectors.marked_workbook.places import Places, cell_name
from headwater.connectors.marked_workbook.plain import as_xlsx

__all__ = ["Mark", "Places", "TableSheet", "as_xlsx", "cell_name", "mark_workbook"]
