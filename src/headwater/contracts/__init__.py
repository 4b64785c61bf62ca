"""What a record must be: one Pydantic class, frozen into a document, read by every enforcer.

Bottom up: `metadata` (what an author says), `document` (the frozen form), `pattern` and `expression` (the two small
languages rules are written in), `rules`, then what reads the document: the enforcers `row`, `bulk`, `find` and `table`,
`json_schema`, `odcs` and `difference`; `contract`, the compiler; and `migration`.
"""

from __future__ import annotations

from headwater.contracts.bulk import Enforcement, enforcement
from headwater.contracts.contract import Contract, compile_contract
from headwater.contracts.difference import Advice, Change, advise, diff
from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.find import find_all
from headwater.contracts.json_schema import json_schema
from headwater.contracts.metadata import Boolean, Code, Date, Integer, Number, RowRule, Text, Timestamp, record
from headwater.contracts.migration import Migration, migration_sql
from headwater.contracts.odcs import odcs_yaml
from headwater.contracts.row import RowResult, enforce_row, enforce_rows
from headwater.contracts.rules import Finding, make_finding
from headwater.contracts.table import history_name, table_ddl, table_name

__all__ = [
    "Advice",
    "Boolean",
    "Change",
    "Code",
    "Contract",
    "Date",
    "Document",
    "Enforcement",
    "FieldSpec",
    "Finding",
    "Integer",
    "Migration",
    "Number",
    "RowResult",
    "RowRule",
    "RuleSpec",
    "Text",
    "Timestamp",
    "advise",
    "compile_contract",
    "diff",
    "enforce_row",
    "enforce_rows",
    "enforcement",
    "find_all",
    "history_name",
    "json_schema",
    "make_finding",
    "migration_sql",
    "odcs_yaml",
    "record",
    "table_ddl",
    "table_name",
]
