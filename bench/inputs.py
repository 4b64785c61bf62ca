"""The files of one size of benchmark, made once and kept for the next run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import duckdb

from bench.generate import Contents, Fault, Recipe, read_contents, write_activities, write_factors

if TYPE_CHECKING:
    from pathlib import Path

#: What COPY cannot take in (a row with too many fields) and what a primary key refuses.
NOT_COPYABLE: Final = tuple(fault.name.lower() for fault in (Fault.RAGGED_ROW, Fault.MISSING_KEY, Fault.DUPLICATE_KEY))
RAGGED: Final = (Fault.RAGGED_ROW.name.lower(),)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file and what is in it."""

    path: Path
    contents: Contents

    @property
    def rows(self) -> int:
        return self.contents.rows


@dataclass(frozen=True)
class Inputs:
    """All files for `rows` rows, below `folder`. Versions of one file share its name, as a corrected delivery does."""

    folder: Path
    rows: int

    def _source(self, name: str, recipe: Recipe) -> Source:
        path = self.folder / f"{self.rows}" / name / "activity.csv"
        contents = read_contents(path)
        if contents is None or contents.recipe != recipe:
            path.parent.mkdir(parents=True, exist_ok=True)
            print(f"writing {recipe.rows:,} rows to {path}", flush=True)
            contents = write_activities(recipe, path)
        return Source(path=path, contents=contents)

    @property
    def _plain(self) -> Recipe:
        return Recipe(rows=self.rows)

    @cached_property
    def first(self) -> Source:
        return self._source("first", self._plain)

    @cached_property
    def scattered(self) -> Source:
        return self._source("scattered", replace(self._plain, changed="scattered"))

    @cached_property
    def block(self) -> Source:
        return self._source("block", replace(self._plain, changed="block"))

    @cached_property
    def half_bad(self) -> Source:
        return self._source("half_bad", replace(self._plain, bad_share=0.5))

    @cached_property
    def five_times(self) -> Source:
        return self._source("five_times", replace(self._plain, rows=5 * self.rows))

    @cached_property
    def copyable(self) -> Source:
        """Without the few rows that COPY or a primary key refuses, for tools that stop at the first of them."""
        return self._source("copyable", replace(self._plain, omitted=NOT_COPYABLE))

    @cached_property
    def copyable_part(self) -> Source:
        """A tenth, for a tool that takes its time."""
        return self._source("copyable_part", replace(self._plain, rows=self.rows // 10, omitted=NOT_COPYABLE))

    @cached_property
    def rectangular(self) -> Source:
        return self._source("rectangular", replace(self._plain, omitted=RAGGED))

    @cached_property
    def text_columns(self) -> Path:
        """The rectangular rows as Parquet, for validators: text columns and the row's number, blank as null."""
        source = self.rectangular
        path = source.path.with_suffix(".parquet")
        if not path.exists() or path.stat().st_mtime < source.path.stat().st_mtime:
            duckdb.connect().execute(
                "COPY (SELECT row_number() OVER () - 1 AS row, * FROM read_csv(?, all_varchar = true, header = true, "
                f"delim = ',', quote = '\"', parallel = false)) TO '{path}' (FORMAT parquet)",
                [str(source.path)],
            )
        return path

    @cached_property
    def factors(self) -> Path:
        path = self.folder / "factors.csv"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_factors(path)
        return path
