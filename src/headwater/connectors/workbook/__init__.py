"""Workbooks (XLSX, XLSM, XLS, ODS): inspected, and their sheets read as one table of texts."""

from headwater.connectors.workbook.config import SheetLayout, WorkbookConfig
from headwater.connectors.workbook.inspection import inspect_workbook
from headwater.connectors.workbook.read import read_workbook

__all__ = ["SheetLayout", "WorkbookConfig", "inspect_workbook", "read_workbook"]
