"""Values: what a text of a source means, its canonical form and its hash, alike in Python and in DuckDB SQL."""

from __future__ import annotations

from headwater.values.canonical import record_id, record_text, record_text_sql, sha256, sha256_sql
from headwater.values.check_digits import luhn, luhn_sql, mod_97_10, mod_97_10_sql
from headwater.values.kinds import TYPE_NAMES, Kind, kind
from headwater.values.outcome import FIRST_FAILURE, Explanation, Outcome, Parsed, explain
from headwater.values.text_format import DEFAULT_ABSENT, OWN_FORMAT, TextFormat

__all__ = [
    "DEFAULT_ABSENT",
    "FIRST_FAILURE",
    "OWN_FORMAT",
    "PARSER_VERSION",
    "TYPE_NAMES",
    "Explanation",
    "Kind",
    "Outcome",
    "Parsed",
    "TextFormat",
    "explain",
    "kind",
    "luhn",
    "luhn_sql",
    "mod_97_10",
    "mod_97_10_sql",
    "record_id",
    "record_text",
    "record_text_sql",
    "sha256",
    "sha256_sql",
]

PARSER_VERSION = "1"
"""Part of every chunk's fingerprint: raise it when a text could be read as another value than before."""
