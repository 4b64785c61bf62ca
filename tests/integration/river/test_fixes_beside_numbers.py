"""Fix all like this, of records in which numbers stand as the mapping has written them: none becomes another."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.quarantine.fixes import Preview, plan_fix, preview
from headwater.services.quarantine.wanted_fixes import wanted_so
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.river.test_rows_known_again import FIELDS
from tests.river import River

pytestmark = pytest.mark.server
GERMAN = {"decimal": ",", "group": "."}
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
    for row in [("id", "kwh", "cost", "q"), *rows]:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


@pytest.fixture
def database(river: River, tmp_path: Path) -> Path:
    path = tmp_path / "bills.sqlite"
    with closing(sqlite3.connect(path)) as source, source:
        source.execute("CREATE TABLE bills (id INTEGER PRIMARY KEY, kwh REAL, cost TEXT, q TEXT, changed INTEGER)")
    add(river.installation, "bills", "sqlite", {"path": str(path)})
    return path


def sync(river: River, path: Path, *rows: tuple[Any, ...], **changed: Any) -> None:
    with closing(sqlite3.connect(path)) as source, source:
        source.executemany("INSERT INTO bills VALUES (?, ?, ?, ?, ?)", [(*row, row[0]) for row in rows])
    said: Mapping[str, Any] = {"connector": "bills", "table": "bills", "cursor": "changed"}
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
    assert (len(offer.would_load), offer.unlike, offer.moved) == (1, 1, None)
    assert "wrote numbers with another sign" in str(found.compared.unknown)
    with pytest.raises(Misuse, match="it is not known what this would do"):
        found.chosen(None)
    assert quantities(river) == {"3": "20", "4": "1.5"}
