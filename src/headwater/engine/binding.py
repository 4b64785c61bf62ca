"""Proof that SQL is fit to run: it is bound against an empty relation of text columns before any record is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headwater.engine.fragments import quote_name
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.engine.readings import Readings


def check_binds(expressions: Sequence[str], columns: Sequence[str], readings: Readings, *, where: str) -> None:
    """Bind and run the expressions over no rows, cut off from files and network. Raises `Misuse` when they do not fit.

    This finds what only the engine knows, such as a regular expression it does not accept.
    """
    con = duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1})
    try:
        defined = ", ".join(f"{quote_name(column)} VARCHAR" for column in columns)
        con.execute(f"CREATE TABLE header ({defined})")
        con.execute(f"SELECT {', '.join(expressions)} FROM {readings.relation('header')}").fetchall()
    except duckdb.Error as error:
        raise Misuse(
            "the expressions do not fit the file",
            where=where,
            value=str(error).splitlines()[0],
            valid="SQL that the engine can bind",
            remedy="Simplify the expression named.",
        ) from error
    finally:
        con.close()
