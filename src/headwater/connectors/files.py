"""The door for files of every kind: what a file is, and its way to the text that everything after reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headwater.connectors.csv_file import CsvConfig, is_utf8, to_utf8
from headwater.connectors.csv_file import inspect_file as inspect_csv
from headwater.connectors.csv_file.table import read_csv
from headwater.connectors.formats import FORMATS, Found, find_format
from headwater.connectors.inspection import SAMPLE_ROWS, Inspection
from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.connectors.packing import members, pick, unpack
from headwater.connectors.parquet_file import inspect_parquet, read_parquet
from headwater.connectors.said import has_units_row, refuse_unused
from headwater.connectors.text_table.parts import Batch, Part, Table
from headwater.connectors.text_table.shape import Shape, Unpivot, shaped
from headwater.connectors.text_table.writer import write_text
from headwater.connectors.workbook import WorkbookConfig, inspect_workbook, read_workbook
from headwater.errors import InputRefused, Misuse

WORKBOOKS = ("xlsx", "xls", "ods")
PARQUET = "parquet"
CSV = "csv"

TEXT = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)
"""How the text of a file is written that does not stand for itself."""


@dataclass(frozen=True, kw_only=True)
class FileConfig:
    """What is said about a file; `inspect_file` answers with one in which all that reading needs is said.

    member   of an archive, the file inside
    decimal  the sign before the decimals in the text of numbers that the file stores as numbers
    columns  what stands for the header of a file that has neither one nor any record, as JSON may
    """

    format: str | None = None
    member: str | None = None
    csv: CsvConfig = field(default_factory=CsvConfig)
    workbook: WorkbookConfig = field(default_factory=WorkbookConfig)
    nested: NestedConfig = field(default_factory=NestedConfig)
    shape: Shape = field(default_factory=Shape)
    decimal: str = "."
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise Misuse("no such format", where="source.format", value=self.format, valid=", ".join(FORMATS))

    @property
    def stands_for_itself(self) -> bool:
        """Whether the file is the text that is read, byte by byte: delimited UTF-8, neither packed nor reshaped."""
        return self.is_delimited and self.member is None and is_utf8(self.csv.encoding or "utf-8")

    @property
    def is_delimited(self) -> bool:
        """Whether the file's own lines are the records, so that it is brought to UTF-8 and no further."""
        return self.format == CSV and not self.shape

    @property
    def text(self) -> CsvConfig:
        """How the text is written that `write_text_of` makes."""
        return self.csv if self.is_delimited else TEXT

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> FileConfig:
        """What `as_json` gave, perhaps through JSON."""
        shape = _tuples(body["shape"])
        if shape["unpivot"]:
            shape["unpivot"] = Unpivot(**_tuples(shape["unpivot"]))
        return cls(
            format=body["format"],
            member=body["member"],
            csv=CsvConfig(**body["csv"]),
            workbook=WorkbookConfig(**_tuples(body["workbook"])),
            nested=NestedConfig(**_tuples(body["nested"])),
            shape=Shape(**shape),
            decimal=body["decimal"],
            columns=tuple(body["columns"]),
        )


def inspect_file(path: Path, hints: FileConfig, *, name: str | None = None) -> Inspection[FileConfig]:
    """What a file is; columns and sample are those of the records, after any reshaping.

    InputRefused, in words, for what cannot be read or not be told for sure; Misuse where there is no such file.
    """
    name = name or path.name
    with _opened(path, hints, name) as file:
        found = file.found
        refuse_unused(found.format, hints.csv, hints.workbook, hints.nested, name=file.name)
        seen: Inspection[Any] = _inspect(file.path, found.format, hints, file.name)
        config = _completed(hints, found.format, seen.config, file.member)
        if found.format == CSV and has_units_row(seen.header_line, hints.workbook.units_row, name=file.name):
            config = replace(config, shape=replace(config.shape, units_row=True))
        if config.shape:
            seen = _as_shaped(seen, file.path, config, file.name)
    inside = (f"{file.member} inside {file.packing}",) if file.packing else ()
    return replace(
        seen,
        config=config,
        name=name,
        size=path.stat().st_size,
        evidence=(*inside, *found.evidence, *seen.evidence),
        members=file.members,
        member=file.member,
    )


def write_text_of(path: Path, config: FileConfig, write: Callable[[bytes], object], *, name: str) -> tuple[Part, ...]:
    """Write the text of a file for which `inspect_file` gave the config; where its records stand in the file.

    The same file and config give the same bytes, whenever it is done.
    """
    with _opened(path, config, name) as file:
        if config.is_delimited:
            to_utf8(file.path, config.csv.encoding or "utf-8", _Sink(write), name=file.name)
            return ()
        return write_text(_table(file.path, config, file.name), write)


@contextmanager
def table_of(path: Path, config: FileConfig, *, name: str) -> Iterator[Table]:
    """The records of a file for which `inspect_file` gave the config, batch by batch, without making its text."""
    with _opened(path, config, name) as file:
        yield _table(file.path, config, file.name)


def data_members(path: Path, name: str, pattern: str | None) -> tuple[str, ...]:
    """The files inside an archive that `pattern` means; () for what is no archive."""
    if not find_format(path, name).packing:
        return ()
    return tuple(member.name for member in pick(members(path, name=name), pattern, name=name))


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A file to be read, unpacked if it was packed."""

    path: Path
    name: str
    found: Found
    packing: str = ""
    members: tuple[str, ...] = ()
    member: str | None = None


@contextmanager
def _opened(path: Path, config: FileConfig, name: str) -> Iterator[_Opened]:
    outer = find_format(path, name, config.format)
    if not outer.packing:
        yield _Opened(path=path, name=name, found=outer)
        return
    inside = members(path, name=name)
    chosen = pick(inside, config.member, name=name)
    if len(chosen) > 1:
        raise InputRefused(
            "the archive holds several files",
            where=name,
            value=f"{len(chosen)} files",
            valid=", ".join(each.name for each in chosen[:10]),
            remedy=f'Say which one in the mapping, source.member: "{chosen[0].name}"; to headwater inspect by '
            f'--member "{chosen[0].name}". All of them are read by: headwater import {name} --mapping MAPPING; '
            f"headwater recipe init {name} suggests a mapping for all",
        ).settled_by("source.member", (each.name for each in chosen))
    with TemporaryDirectory(prefix="headwater-") as folder:
        unpacked = Path(folder) / "member"
        with unpacked.open("wb") as out:
            unpack(path, chosen[0].name, out, name=name)
        own_name = chosen[0].name.rpartition("/")[2]
        yield _Opened(
            path=unpacked,
            name=own_name,
            found=find_format(unpacked, own_name, config.format),
            packing=outer.packing,
            members=tuple(each.name for each in inside),
            member=chosen[0].name,
        )


def _inspect(path: Path, what: str, hints: FileConfig, name: str) -> Inspection[Any]:
    if what == CSV:
        return inspect_csv(path, hints.csv, name=name)
    if what in WORKBOOKS:
        return inspect_workbook(path, replace(hints.workbook, format=what), name=name)
    if what == PARQUET:
        return inspect_parquet(path, name=name)
    return inspect_nested(path, replace(hints.nested, format=what), name=name)


def _completed(hints: FileConfig, what: str, found: Any, member: str | None) -> FileConfig:
    said = {CSV: "csv", PARQUET: None}.get(what, "workbook" if what in WORKBOOKS else "nested")
    return replace(hints, format=what, member=member, **({said: found} if said else {}))


def _table(path: Path, config: FileConfig, name: str) -> Table:
    """The records of a file in their new shape."""
    table = _unshaped(path, config, name)
    if not table.columns:
        return replace(table, columns=config.columns)
    return shaped(table, config.shape, name=name)


def _unshaped(path: Path, config: FileConfig, name: str) -> Table:
    if config.format == CSV:
        return _delimited(path, config.csv, name)
    if config.format in WORKBOOKS:
        return read_workbook(path, config.workbook, name=name, decimal=config.decimal)
    if config.format == PARQUET:
        return read_parquet(path, name=name, decimal=config.decimal)
    return read_nested(path, config.nested, name=name, decimal=config.decimal)


def _delimited(path: Path, config: CsvConfig, name: str) -> Table:
    """In UTF-8, whatever it came in; what is made for that goes when the last batch is read."""
    if is_utf8(config.encoding or "utf-8"):
        return read_csv(path, config, name=name)
    folder = TemporaryDirectory(prefix="headwater-")
    brought = Path(folder.name) / "text"
    with brought.open("wb") as out:
        to_utf8(path, config.encoding or "utf-8", out, name=name)
    table = read_csv(brought, replace(config, encoding="utf-8"), name=name)

    def batches() -> Iterator[Batch]:
        with folder:
            yield from table.batches

    return replace(table, batches=batches())


def _as_shaped(seen: Inspection[Any], path: Path, config: FileConfig, name: str) -> Inspection[Any]:
    """The columns and the first records after reshaping."""
    table = _table(path, config, name)
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    for batch in table.batches:
        width = len(batch.columns) or 1
        for index, row in enumerate(batch.rows.slice(0, SAMPLE_ROWS - len(rows)).to_pylist()):
            rows.append(tuple(row.values()))
            numbers.append(batch.first_number + index // width)
        if len(rows) >= SAMPLE_ROWS:
            break
    return replace(seen, columns=table.columns, units=table.units, sample=tuple(rows), sample_lines=tuple(numbers))


class _Sink:
    """A function as something to write to."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.write = write


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    """Lists as JSON gives them back are tuples again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
