"""Fix all like this, of records in which numbers stand as the mapping has written them: none becomes another."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.quarantine.fixes import Offer, Preview, plan_fix, preview
from headwater.services.quarantine.two_versions import Effect
from headwater.services.quarantine.wanted_fixes import wanted_so
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.river.test_rows_known_again import FIELDS
from tests.river import River

pytestmark = pytest.mark.server
GERMAN = {"decimal": ",", "group": "."}
COLUMNS = ("id", "kwh", "cost", "q")
MAPPING: dict[str, Any] = {
    "mapping": "bills",
    "version": "1.0.0",
    "contract": "activity@1",
    "fields": {**FIELDS, "cost": {"column": "cost"}, "currency": {"constant": "EUR"}, "data_quality": {"column": "q"}},
}


def shown(river: River, rule: str, before: str, after: str) -> Preview:
    wanted = wanted_so(river.installation, rule=rule, column=None, before=before, after=after, run=None)
    return preview(river.installation, wanted, progress=SilentProgress())


def apply(river: River, found: Preview, name: str) -> None:
    run_id = plan_fix(river.installation, found, found.chosen(name))
    carry_out(river.installation, run_id, progress=SilentProgress())
    assert verify(river.installation, progress=SilentProgress()).ok


def quantities(river: River) -> dict[str, str]:
    found = river.rows("SELECT activity_id, trim_scale(quantity)::text AS quantity FROM activity_v1")
    return {row["activity_id"]: row["quantity"] for row in found}


def written(river: River, **changed: Any) -> str:
    path = river.folder / "bills.yaml"
    path.write_text(yaml.safe_dump({**MAPPING, **changed}), encoding="utf-8")
    return str(path)


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in [COLUMNS, *rows]:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


def json_of(*rows: tuple[Any, ...]) -> bytes:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]).encode()


def parquet_of(*rows: tuple[Any, ...]) -> bytes:
    out, columns = io.BytesIO(), zip(*rows, strict=True)
    pq.write_table(pa.table({name: pa.array(column) for name, column in zip(COLUMNS, columns, strict=True)}), out)
    return out.getvalue()


@pytest.fixture
def database(river: River, tmp_path: Path) -> Path:
    path = tmp_path / "bills.sqlite"
    with closing(sqlite3.connect(path)) as source, source:
        source.execute("CREATE TABLE bills (id INTEGER PRIMARY KEY, kwh REAL, cost TEXT, q TEXT, changed INTEGER)")
    add(river.installation, "bills", "sqlite", {"path": str(path)})
    return path


WRITTEN: Mapping[str, Callable[..., bytes]] = {"xlsx": workbook, "json": json_of, "parquet": parquet_of}


def sync(river: River, path: Path, *rows: tuple[Any, ...], **changed: Any) -> None:
    with closing(sqlite3.connect(path)) as source, source:
        source.executemany("INSERT INTO bills VALUES (?, ?, ?, ?, ?)", [(*row, row[0]) for row in rows])
    sync_all(river, cursor="changed", **changed)


def sync_all(river: River, cursor: str | None = None, **changed: Any) -> None:
    said = {"connector": "bills", "table": "bills", "cursor": cursor}
    recipe = Recipe.model_validate({"recipe": "bills", "source": said, "mapping": written(river, **changed)})
    run_id = plan_sync(river.installation, recipe, river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())


ROWS = (1, 10, "3", None), (2, 1.125, "1,5", None), (3, 2.375, "2,5", None), (4, 7, "3,5", None)


def test_another_sign_in_texts_of_a_table_is_none_in_its_numbers(river: River, database: Path) -> None:
    sync(river, database, *ROWS)
    found = shown(river, "activity.cost.ambiguous", "1,5", "1.5")
    by_sign = next(offer for offer in found.offers if offer.name == "decimal-sign")
    assert (len(by_sign.would_load), by_sign.unlike, by_sign.moved) == (1, 2, 0)
    apply(river, found, "decimal-sign")
    assert quantities(river) == {"1": "10", "4": "7"}


STANDING = (5, 4.25, "4", None), (6, 1500.5, "4", None), (7, 8, "1,230", None)
"""Loaded as they are. By another sign their numbers are the same; the text of the last is another number."""


def by_sign(river: River) -> Offer:
    found = shown(river, "activity.cost.ambiguous", "1,5", "1.5")
    return next(offer for offer in found.offers if offer.name == "decimal-sign")


def test_numbers_of_a_table_stand_as_they_are_under_another_sign(river: River, database: Path) -> None:
    sync(river, database, *ROWS, *STANDING[:2])
    assert by_sign(river).effect == Effect()
    sync(river, database, STANDING[2], (8, 2.5, "5", None))
    offer = by_sign(river)
    assert offer.effect == Effect(changed=1)
    sync_all(river, version="1.1.0", locale=offer.mapping.locale.model_dump(mode="json", by_alias=True))
    assert river.rows("SELECT activity_id FROM activity_v1_history") == [{"activity_id": "7"}]


@pytest.mark.parametrize("kind", ["xlsx", "json", "parquet"])
def test_numbers_of_a_file_stand_as_they_are_under_another_sign(river: River, kind: str) -> None:
    content, name = WRITTEN[kind](*ROWS, *STANDING), f"bills.{kind}"
    river.load(content, name=name, mapping=written(river), chunk_size=2)
    offer = by_sign(river)
    assert offer.effect == Effect(changed=1)
    found = written(river, version="1.1.0", locale=offer.mapping.locale.model_dump(mode="json", by_alias=True))
    river.load(content, name=name, mapping=found, chunk_size=2)
    assert river.rows("SELECT activity_id FROM activity_v1_history") == [{"activity_id": "7"}]


def test_where_numbers_stand_among_texts_another_sign_is_not_known(river: River, tmp_path: Path) -> None:
    """A column without a type keeps 1.125 as a number and as a text, and what was read of it tells no difference."""
    path = tmp_path / "mixed.sqlite"
    with closing(sqlite3.connect(path)) as source, source:
        source.execute("CREATE TABLE bills (id INTEGER PRIMARY KEY, kwh, cost TEXT, q TEXT, changed INTEGER)")
    add(river.installation, "bills", "sqlite", {"path": str(path)})
    sync(river, path, *ROWS[:1], (2, 7, "1,5", "ok"), (3, 8, "2", "ok"))
    assert by_sign(river).effect == Effect()
    sync(river, path, *STANDING[:1])
    found = shown(river, "activity.cost.ambiguous", "1,5", "1.5")
    same, sign = found.offers
    assert (same.name, same.effect, sign.name, sign.effect) == ("same-text", Effect(), "decimal-sign", None)
    assert "in kwh numbers stand among texts" in str(found.compared.unknown)
    with pytest.raises(Misuse, match=r"not known what this would do.*in kwh numbers stand among texts"):
        found.chosen("decimal-sign")
    assert found.compared.records is not None


def test_a_file_that_is_not_kept_is_not_written_anew(river: River) -> None:
    river.load(workbook(*ROWS, *STANDING), name="bills.xlsx", mapping=written(river))
    (run,) = river.rows("SELECT encode(blob_sha256, 'hex') AS raw FROM runs")
    river.installation.blobs.path(river.installation.tenant_id, bytes.fromhex(run["raw"])).unlink()
    found = shown(river, "activity.cost.ambiguous", "1,5", "1.5")
    assert [(offer.name, offer.effect) for offer in found.offers] == [("same-text", Effect()), ("decimal-sign", None)]
    assert "is not among the kept ones any more" in str(found.compared.unknown)


def test_another_sign_in_texts_of_a_sheet_is_none_in_its_numbers(river: River) -> None:
    river.load(workbook(*ROWS), name="bills.xlsx", mapping=written(river))
    apply(river, shown(river, "activity.cost.ambiguous", "1,5", "1.5"), "decimal-sign")
    assert quantities(river) == {"1": "10", "4": "7"}
    river.load(workbook(*ROWS), name="bills.xlsx", mapping=written(river, version="2.0.0", locale=GERMAN))
    assert quantities(river) == {"1": "10", "2": "1.125", "3": "2.375", "4": "7"}


def test_numbers_written_before_the_sign_of_the_mapping_was_another_stay_what_they_are(
    river: River, database: Path
) -> None:
    sync(river, database, (1, 10, "3", "ok"), (2, 1.125, "3", "ok"), (3, 20, "3", "measured"))
    sync(river, database, (4, 1.5, "3", "measured"), version="1.1.0", locale=GERMAN)
    found = shown(river, "activity.data_quality.enum", "ok", "measured")
    (offer,) = found.offers
    assert (len(offer.would_load), offer.unlike, offer.moved) == (1, 1, 0)
    apply(river, found, "same-text")
    assert quantities(river) == {"1": "10", "3": "20", "4": "1.5"}
