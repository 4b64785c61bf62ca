"""The lineage of a run as a document: what every column of its results was made of, in canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from headwater.lineage.columns import Leaf, Origins, Relation

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ColumnLineage:
    """Lineage of some results, by the contract they were made for.

    sql_sha256  of the statements it was read from: the same statements have the same lineage
    unread      names in them that were understood as no column; empty as far as is known
    """

    name: str
    sql_sha256: str
    results: Mapping[str, Relation]
    unread: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Canonical: keys and lists sorted, no spaces."""
        results = {
            name: {
                "columns": {column: _origins(origins) for column, origins in relation.columns.items()},
                "filter": _leaves(relation.filter),
            }
            for name, relation in self.results.items()
        }
        body = {
            "format": FORMAT,
            "name": self.name,
            "sql": self.sql_sha256,
            "results": results,
            "unread": sorted(self.unread),
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ColumnLineage:
        """As `to_json` wrote it."""
        body = json.loads(text)
        return cls(
            name=body["name"],
            sql_sha256=body["sql"],
            results={
                name: Relation(
                    columns={
                        column: Origins(_read(origins["direct"]), _read(origins["indirect"]))
                        for column, origins in relation["columns"].items()
                    },
                    filter=_read(relation["filter"]),
                )
                for name, relation in body["results"].items()
            },
            unread=tuple(body["unread"]),
        )


def fingerprint(*statements: str) -> str:
    """SHA-256 over statements, in hexadecimal."""
    return hashlib.sha256("\x1f".join(statements).encode()).hexdigest()


def _origins(origins: Origins) -> dict[str, list[list[str]]]:
    return {"direct": _leaves(origins.direct), "indirect": _leaves(origins.indirect)}


def _leaves(leaves: frozenset[Leaf]) -> list[list[str]]:
    return [list(leaf) for leaf in sorted(leaves)]


def _read(leaves: list[list[str]]) -> frozenset[Leaf]:
    return frozenset((dataset, column) for dataset, column in leaves)
