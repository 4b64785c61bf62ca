"""What a record must be: one Pydantic class, frozen into a document, read by every enforcer.

Bottom up: `metadata` (what an author says), `document` (the frozen form), `pattern` and `expression` (the two small
languages rules are written in), `rules`, then the enforcers `row`, `bulk` and `table`, and `contract`, the compiler.
"""

from __future__ import annotations

from headwater.contracts.bulk import Enforcement, enforcement
from headwater.contracts.contract import Contract, compile_contract
from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.find import find_all
from headwater.contracts.metadata import Boolean, Code, Date, Integer, Number, RowRule, Text, Timestamp
from headwater.contracts.row import RowResult, enforce_row, enforce_rows
from headwater.contracts.rules import Finding, make_finding
from headwater.contracts.table import history_name, table_ddl, table_name

__all__ = [
    "Boolean",
    "Code",
    "Contract",
    "Date",
    "Document",
    "Enforcement",
    "FieldSpec",
    "Finding",
    "Integer",
    "Number",
    "RowResult",
    "RowRule",
    "RuleSpec",
    "Text",
    "Timestamp",
    "compile_contract",
    "enforce_row",
    "enforce_rows",
    "enforcement",
    "find_all",
    "history_name",
    "make_finding",
    "table_ddl",
    "table_name",
]
