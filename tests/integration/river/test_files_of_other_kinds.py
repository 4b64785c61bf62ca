"""Files of every kind go through one river: their records know their row, and verification makes their text again."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.pipeline.recipe import Load, Recipe, RecipeSource
from headwater.services.batches import Imported, import_each
from headwater.services.imports import source_files
from headwater.services.tracing.tracer import trace_record
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.kept import in_clear
from tests.river import River, activities

COLUMNS = ("activity_id", "activity_type", "region", "period_start", "quantity", "unit")


def sound(river: River) -> bool:
    return verify(river.installation, progress=SilentProgress()).ok


def workbook(rows: Sequence[Sequence[Any]], *, sheet: str = "Data") -> bytes:
    book = openpyxl.Workbook(write_only=True)
    table = book.create_sheet(sheet)
    for row in rows:
        table.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mapping(river: River, name: str, **source: Any) -> str:
    """The activity form, whose source says more."""
    body = yaml.safe_load(Path(river.mapping("activity_form")).read_text(encoding="utf-8"))
    fields = {name: rule for name, rule in body["fields"].items() if name in COLUMNS}
    path = river.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**body, "mapping": name, "fields": fields, "source": source}), encoding="utf-8")
    return str(path)


def quantities(river: River) -> dict[str, Decimal]:
    rows = river.rows("SELECT activity_id, quantity FROM activity_v1 ORDER BY activity_id")
    return {row["activity_id"]: row["quantity"] for row in rows}


def as_json(rows: Sequence[Sequence[Any]]) -> bytes:
    return json.dumps({"value": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}).encode()


def as_parquet(rows: Sequence[Sequence[Any]]) -> bytes:
    columns = {name: pa.array([str(row[at]) for row in rows], pa.string()) for at, name in enumerate(COLUMNS)}
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def as_workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    return workbook([["Energy of all sites"], [], list(COLUMNS), *map(list, rows)])


def as_gzip(rows: Sequence[Sequence[Any]]) -> bytes:
    return gzip.compress(activities([dict(zip(COLUMNS, map(str, row), strict=True)) for row in rows], COLUMNS).encode())


def as_zip(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data/activities.csv", gzip.decompress(as_gzip(rows)))
        archive.writestr("__MACOSX/._activities.csv", b"\0\1")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "write", "first", "place"),
    [
        ("a.xlsx", as_workbook, 4, "sheet Data, row 6"),
        ("a.json", as_json, 0, "/value/2"),
        ("a.parquet", as_parquet, 1, "row 3"),
        ("a.csv.gz", as_gzip, 2, "a.csv, line 4"),
        ("a.zip", as_zip, 2, "data/activities.csv, line 4"),
    ],
)
def test_a_file_of_any_kind_is_loaded_refused_traced_and_verified(
    river: River, name: str, write: Callable[[Sequence[Sequence[Any]]], bytes], first: int, place: str
) -> None:
    rows = [
        ("a", "electricity", "DE", "2024-01-01", 1234.5, "kWh"),
        ("b", "electricity", "DE", "2024-01-01", "many", "kWh"),
        ("c", "electricity", "DE", "2024-01-01", 3, "kWh"),
    ]
    _, ledger = river.load(write(rows), name=name, mapping=mapping(river, "form"), chunk_size=2)
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (3, 2, 1)
    assert quantities(river) == {"a": Decimal("1234.5"), "c": 3}
    (refused,) = river.rows("SELECT line, record_no, raw FROM quarantine")
    assert (refused["line"], refused["record_no"]) == (first + 1, 2)
    assert refused["raw"]["quantity"] == "many"
    traced = trace_record(river.installation, "activity", "c").record.raw
    assert (traced.line, traced.place) == (first + 2, place)
    assert traced.cells is not None
    assert traced.cells["quantity"] == "3"
    _, again = river.load(write(rows), name=name, mapping=mapping(river, "form"), chunk_size=2)
    assert (again.inserted, again.unchanged, again.quarantined) == (0, 2, 1)
    assert sound(river)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", (",".join(COLUMNS) + "\n").encode),
        ("a.json", lambda: b"[]"),
        ("b.json", lambda: b'{"value": []}'),
        ("a.xlsx", lambda: workbook([list(COLUMNS)])),
        ("a.parquet", lambda: as_parquet([])),
    ],
)
def test_a_file_without_records_loads_none(river: River, name: str, content: Callable[[], bytes]) -> None:
    run_id, ledger = river.load(content(), name=name, mapping=mapping(river, "form"))
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (0, 0, 0)
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id) == [{"state": "succeeded"}]
    assert sound(river)


def test_years_in_columns_become_records_that_are_known_by_their_cell(river: River) -> None:
    rows: list[list[Any]] = [["site", "unit", "2022", "2023"], ["north", "kWh", 1, 2], ["south", "kWh", None, 4]]
    source = {"unpivot": {"columns": "20??", "name": "year", "value": "amount"}, "add": ["sheet"]}
    path = river.folder / "years.yaml"
    fields = {
        "activity_id": {"expression": "site || '-' || year || '-' || _sheet"},
        "activity_type": {"constant": "electricity"},
        "region": {"constant": "DE"},
        "period_start": {"expression": "year || '-01-01'"},
        "quantity": {"column": "amount"},
        "unit": {"column": "unit"},
    }
    body = {"mapping": "years", "version": "1.0.0", "contract": "activity@1", "source": source, "fields": fields}
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    _, ledger = river.load(workbook(rows, sheet="Power"), name="years.xlsx", mapping=str(path))
    assert quantities(river) == {"north-2022-Power": 1, "north-2023-Power": 2, "south-2023-Power": 4}
    assert (ledger.read, ledger.skipped) == (4, {"blank": 1})
    assert trace_record(river.installation, "activity", "south-2023-Power").record.raw.place == (
        "sheet Power, row 3, column 2023"
    )
    assert sound(river)


def test_a_number_in_a_field_of_codes_has_the_sign_of_the_locale_unless_it_is_put_back(river: River) -> None:
    """As the page says that tells how to write a mapping."""
    path = mapping(river, "codes")
    body = yaml.safe_load(Path(path).read_text(encoding="utf-8")) | {"locale": {"decimal": ",", "group": "."}}
    row = dict(zip(COLUMNS, (1.5, "train", "DE", "2024-01-01", 2.5, "km"), strict=True))
    for version, rule in (
        ("1.0.0", {"column": "activity_id"}),
        ("1.0.1", {"expression": "replace(activity_id, ',', '.')"}),
    ):
        fields = body["fields"] | {"activity_id": rule}
        Path(path).write_text(yaml.safe_dump(body | {"version": version, "fields": fields}), encoding="utf-8")
        river.load(json.dumps([row]), name=f"{version}.json", mapping=path)
    assert quantities(river) == {"1,5": Decimal("2.5"), "1.5": Decimal("2.5")}


def test_a_text_that_is_not_what_the_file_gives_is_named(river: River) -> None:
    river.load(as_workbook([("a", "electricity", "DE", "2024-01-01", 1, "kWh")]), name="a.xlsx",
               mapping=mapping(river, "form"))  # fmt: skip
    (run,) = river.rows("SELECT blob_sha256, text_sha256 FROM runs")
    held = in_clear(river.installation, run["blob_sha256"])
    held.chmod(0o600)
    held.write_bytes(as_workbook([("a", "electricity", "DE", "2024-01-01", 2, "kWh")]))
    found = verify(river.installation, progress=SilentProgress())
    assert not found.ok
    assert any("brought to text again" in difference.why for difference in found.differences)


class TestManyFiles:
    @pytest.fixture
    def folder(self, river: River) -> Path:
        folder = river.folder / "sites"
        (folder / "2024").mkdir(parents=True)
        (folder / "north.csv").write_text(activities([{"activity_id": "n"}]), encoding="utf-8")
        (folder / "2024/south.csv").write_text(activities([{"activity_id": "s"}]), encoding="utf-8")
        (folder / "broken.xlsx").write_bytes(b"PK\3\4 broken")
        (folder / ".hidden.csv").write_text("x", encoding="utf-8")
        (folder / "~$north.xlsx").write_text("lock", encoding="utf-8")
        return folder

    def each(self, river: River, path: str, *, again: bool = False) -> list[Imported]:
        recipe = Recipe(recipe="t", source=RecipeSource(path=path), mapping=river.mapping("activity_form"), load=Load())
        files = source_files(river.installation, recipe, river.folder)
        return list(
            import_each(river.installation, recipe, river.folder, files, again=again, progress=SilentProgress())
        )

    def test_a_folder_is_one_source_of_which_only_what_is_new_or_changed_is_read(
        self, river: River, folder: Path
    ) -> None:
        first = self.each(river, "sites")
        assert [(each.file, each.state) for each in first] == [
            ("2024/south.csv", "succeeded"),
            ("broken.xlsx", "refused"),
            ("north.csv", "succeeded"),
        ]
        assert isinstance(first[1].error, InputRefused)
        (folder / "north.csv").write_text(activities([{"activity_id": "n", "quantity": "2"}]), encoding="utf-8")
        (folder / "new.csv").write_text(activities([{"activity_id": "w"}]), encoding="utf-8")
        second = self.each(river, "sites")
        assert [(each.file, each.state) for each in second] == [
            ("broken.xlsx", "refused"),
            ("new.csv", "succeeded"),
            ("north.csv", "succeeded"),
            ("2024/south.csv", "unchanged"),
        ]
        assert quantities(river) == {"n": 2, "s": 1, "w": 1}
        assert [each.state for each in self.each(river, "sites/**/*.csv", again=True)] == ["succeeded"] * 3
        assert sound(river)

    def test_equal_bad_records_of_two_files_are_two(self, river: River, folder: Path) -> None:
        for name in ("north.csv", "2024/south.csv"):
            (folder / name).write_text(activities([{"activity_id": "x", "quantity": "no"}]), encoding="utf-8")
        self.each(river, "sites/**/*.csv")
        assert river.rows("SELECT count(*) AS n FROM quarantine") == [{"n": 2}]

    def test_an_archive_of_several_files_is_one_source_too(self, river: River) -> None:
        with zipfile.ZipFile(river.folder / "sites.zip", "w") as archive:
            for name in ("a", "b"):
                archive.writestr(f"{name}.csv", activities([{"activity_id": name}]))
        found = self.each(river, "sites.zip")
        assert [(each.file, each.state) for each in found] == [
            ("sites.zip/a.csv", "succeeded"),
            ("sites.zip/b.csv", "succeeded"),
        ]
        assert quantities(river) == {"a": 1, "b": 1}
        assert sound(river)

    @pytest.mark.parametrize(("path", "error"), [("nothing.csv", Misuse), ("nothing/*.csv", InputRefused)])
    def test_what_is_not_there_is_said(self, river: River, path: str, error: type[HeadwaterError]) -> None:
        with pytest.raises(error):
            self.each(river, path)
