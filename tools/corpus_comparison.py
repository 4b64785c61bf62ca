"""Reads every polluted CSV of tests/corpus with Headwater, DuckDB and pandas, and writes what became of each.

    PYTHONPATH=src .venv-bench/bin/python -m tools.corpus_comparison            prints the tables
    PYTHONPATH=src .venv-bench/bin/python -m tools.corpus_comparison --write    into the page too

Nothing is said about the files: DuckDB's `read_csv` finds out by itself, pandas' runs with its defaults. A cell is
right if it is the text, a blank where the text is blank, or the same number, date or truth value, to the last digit.
"""

from __future__ import annotations

import argparse
import datetime
import io
import math
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb

from headwater.connectors.csv_file import is_utf8, plan, read_chunk, to_utf8
from headwater.connectors.files import FileConfig, inspect_file
from headwater.errors import InputRefused
from tests.corpus.pollutions import Answer, Pollution, pollutions

PAGE = Path(__file__).parents[1] / "docs/explanation/messy-csv.md"
MARKERS = re.compile(r"(<!-- corpus -->\n).*?(<!-- /corpus -->)", re.DOTALL)
RIGHT, REFUSED, WRONG = "right", "refused", "**wrong**"
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_MADE_NAME = re.compile(r"column_\d+(_\d+)?|.+_\d+")
# The first byte order mark, and spaces: other readers leave them in names, and a person does not see the difference.
_AROUND = "\ufeff \t\u00a0"

Read = tuple[list[str], Iterable[tuple[Any, ...]]]


def by_headwater(path: Path) -> Read:
    """Columns and rows; ragged and skipped records are reported beside them and no part of the table."""
    found = inspect_file(path, FileConfig())
    text = path.read_bytes()
    if not is_utf8(found.encoding):
        out = io.BytesIO()
        to_utf8(path, found.encoding, out)
        text = out.getvalue()
        path = path.with_suffix(".text")
        path.write_bytes(text)
    planned = plan(path, found.config.csv, 1_000)
    chunks = [read_chunk(io.BytesIO(text), span, planned) for span in planned.chunks]
    rows = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    return list(planned.columns), rows


def by_duckdb(path: Path) -> Read:
    """As `SELECT * FROM 'file.csv'` reads it."""
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        relation = connection.execute("SELECT * FROM read_csv(?)", [str(path)])
        return [column[0] for column in relation.description or ()], relation.fetchall()


def by_pandas(path: Path) -> Read:
    """As `pandas.read_csv(path)` reads it."""
    import pandas  # noqa: PLC0415  (lives in the benchmark's environment only)

    frame = pandas.read_csv(path)
    if not isinstance(frame.index, pandas.RangeIndex):
        frame = frame.reset_index()
    values = frame.astype(object).where(frame.notna(), None)
    return [str(column) for column in frame.columns], values.itertuples(index=False, name=None)


def outcome(
    read: Callable[[Path], Read], refusal: tuple[type[Exception], ...], path: Path, answer: Answer | None
) -> str:
    """What a reader makes of a file: RIGHT, REFUSED or WRONG."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            columns, rows = read(path)
    except refusal:
        return REFUSED
    if answer is None or len(columns) != len(answer.columns):
        return WRONG
    names = zip(columns, answer.columns, strict=True)
    if not all(_MADE_NAME.fullmatch(name) or found.strip(_AROUND) == name for found, name in names):
        return WRONG
    filled = [row for row in rows if any(value is not None and str(value).strip(" \x1a") != "" for value in row)]
    expected = list(answer.rows)
    same = all(
        row is not None and texts is not None and all(map(is_same, row, texts))
        for row, texts in zip_longest(filled, expected)
    )
    return RIGHT if same else WRONG


def is_same(value: Any, text: str) -> bool:
    """Whether what was read is what the text says."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return not text.strip()
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float | Decimal):
        is_finite = not isinstance(value, float) or math.isfinite(value)
        return is_finite and bool(_NUMBER.fullmatch(text)) and Decimal(str(value)) == Decimal(text)
    if isinstance(value, datetime.date | datetime.time):
        return text in {str(value), value.isoformat(), str(value).removesuffix(":00"), value.isoformat() + "Z"}
    return bool(value == text)


def _pandas_refusals() -> tuple[type[Exception], ...]:
    return (ValueError, OverflowError)


READERS: dict[str, tuple[Callable[[Path], Read], Callable[[], tuple[type[Exception], ...]]]] = {
    "Headwater": (by_headwater, lambda: (InputRefused,)),
    "DuckDB": (by_duckdb, lambda: (duckdb.Error,)),
    "pandas": (by_pandas, _pandas_refusals),
}


def outcomes(pollution: Pollution, readers: Iterable[str]) -> list[str]:
    """What each of the readers makes of it."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "polluted.csv"
        path.write_bytes(pollution.data)
        for reader in readers:
            read, refusals = READERS[reader]
            what = outcome(read, refusals(), path, pollution.answer)
            settled = reader == "Headwater" and what == REFUSED and pollution.answer and pollution.hints
            options = ", ".join(f"`{option}`" for option in pollution.hints)
            found.append(f"refused; right with {options}" if settled else what)
    return found


def tables(readers: tuple[str, ...] = tuple(READERS)) -> str:
    """The summary and the list of all kinds, as Markdown."""
    rows = [(pollution.name, outcomes(pollution, readers)) for pollution in pollutions()]
    lines = [
        f"Of {len(rows)} kinds of pollution:",
        "",
        "| | " + " | ".join(readers) + " |",
        "|---|" + "---:|" * len(readers),
    ]
    counts = [Counter(found[place].partition(";")[0] for _, found in rows) for place in range(len(readers))]
    words = {RIGHT: "loaded right", REFUSED: "refused", WRONG: "silently wrong"}
    lines += [f"| {word} | " + " | ".join(str(count[what]) for count in counts) + " |" for what, word in words.items()]
    lines += ["", "| pollution | " + " | ".join(readers) + " |", "|---|" + "---|" * len(readers)]
    lines += [f"| {name.replace('|', '&#124;')} | {' | '.join(found)} |" for name, found in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.corpus_comparison", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    if not parser.parse_args().write:
        sys.stdout.write(tables())
        return
    import pandas  # noqa: PLC0415  (see by_pandas)

    made = f"DuckDB {duckdb.__version__}, pandas {pandas.__version__}. {tables()}"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKERS.sub(lambda match: match[1] + made + match[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
