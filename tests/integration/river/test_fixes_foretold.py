"""What a fix is said to do to records that stand is what the next load by it does: random records, loaded once more."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out, run_recipe
from headwater.services.quarantine.fixes import Offer, preview, written
from headwater.services.quarantine.two_versions import Effect
from headwater.services.quarantine.wanted_fixes import wanted_so
from headwater.telemetry import SilentProgress
from tests.river import River

COLUMNS = ("activity_id", "quantity", "period_end", "document_no")
FIELDS: dict[str, Any] = {
    **{name: {"column": name} for name in COLUMNS},
    "activity_type": {"constant": "electricity"},
    "region": {"constant": "DE"},
    "period_start": {"constant": "2024-01-01"},
    "unit": {"constant": "kWh"},
}
OTHERWISE = ("1,234", "2,345")
READINGS = ("5", "7", *OTHERWISE, "2.5", "2,5")
"""With a comma before decimals two are read as ever, two otherwise, the fifth is refused, and the last is let in."""
EXAMPLE = {"activity_id": "example", "quantity": "2,5", "period_end": "2024-01-01", "document_no": "0"}


@dataclass
class Scene:
    """A source of records, each with a `document_no` of its own, and a mapping that learns what a comma is.

    holds  what the source holds now, by document
    read   which load, counted from 1, has read a document last
    """

    river: River
    version: str | None
    chunk_size: int
    mapping: Path = field(init=False)
    holds: dict[str, dict[str, str]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    loads: int = 0

    def __post_init__(self) -> None:
        self.mapping = self.river.folder / "events.yaml"
        body = {"mapping": "events", "version": "1.0.0", "contract": "activity@1", "fields": FIELDS}
        self.mapping.write_text(yaml.safe_dump(body))

    def recipe(self, **source: str) -> dict[str, Any]:
        load = {"chunk_size": self.chunk_size, "version": self.version}
        return {"recipe": "events", "source": source, "mapping": str(self.mapping), "load": load}

    def note(self, records: Iterable[dict[str, str]]) -> None:
        """These were read by one more load."""
        self.loads += 1
        self.read |= {record["document_no"]: self.loads for record in records}

    def stand(self) -> dict[str, tuple[bytes, str]]:
        """By key the content and the document of each row."""
        rows = self.river.rows("SELECT activity_id, row_hash, document_no FROM activity_v1")
        return {row["activity_id"]: (bytes(row["row_hash"]), row["document_no"]) for row in rows}

    def refused(self, run_id: UUID | None = None) -> set[str]:
        """Documents that a rule refuses; of what another record's key keeps out there may be more."""
        rows = self.river.rows(
            "SELECT raw ->> 'document_no' AS document FROM quarantine q"
            " JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id"
            " WHERE q.state = 'open' AND NOT q.findings @> '[{\"rule\": \"activity.key.conflict\"}]'"
            " AND (%(run)s::uuid IS NULL OR c.run_id = %(run)s)",
            run=run_id,
        )
        return {row["document"] for row in rows}

    def foretold(self) -> Offer:
        """What a comma before decimals would do; from now on the mapping says so."""
        wanted = wanted_so(
            self.river.installation, rule="activity.quantity.ambiguous", column=None, before="2,5", after="2.5",
            run=None,
        )  # fmt: skip
        shown = preview(self.river.installation, wanted, progress=SilentProgress())
        offer = shown.named("decimal-sign")
        self.mapping.write_text(written(offer))
        return offer


def foretold_and_happened(scene: Scene, load: Callable[[], UUID]) -> tuple[Effect | None, Effect]:
    """What a comma before decimals is said to do, and what a load by it does: rows that are others now, and those whose
    record is refused now.

    Left out is what takes the place of what an older load has read, or of what the source holds no more, and was
    refused until now: so the source corrects itself. A record that is an older version now stands as it was read.
    """
    before, refused, read = scene.stand(), scene.refused(), dict(scene.read)
    told = scene.foretold().effect
    now, after = scene.refused(load()), scene.stand()
    changed = gone = 0
    for key, (content, document) in before.items():
        new, by = after[key]
        if new != content:
            changed += not (by in refused and (document not in scene.holds or read[by] > read[document]))
        elif document in scene.holds and document in now:
            gone += 1
        elif document in scene.holds and scene.holds[document]["quantity"] in OTHERWISE:
            changed += 1
    return told, Effect(changed=changed, refused=gone)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("chunk_size", [7, 1000])
@pytest.mark.parametrize("version", [None, "period_end", "quantity"])
def test_of_files_it_is_what_the_next_import_does(
    river: River, version: str | None, chunk_size: int, seed: int
) -> None:
    scene, draw = Scene(river, version, chunk_size), random.Random(seed)

    def load(records: Sequence[dict[str, str]]) -> UUID:
        lines = [",".join(COLUMNS), *(",".join(f'"{record[name]}"' for name in COLUMNS) for record in records)]
        (river.folder / "events.csv").write_text("\n".join(lines) + "\n")
        path = river.folder / "events.recipe.yaml"
        path.write_text(yaml.safe_dump(scene.recipe(path="events.csv")))
        scene.holds = {record["document_no"]: record for record in records}
        scene.note(records)
        return run_recipe(river.installation, path, progress=SilentProgress())

    def record(number: int) -> dict[str, str]:
        return {
            "activity_id": f"a{draw.randrange(60)}",
            "quantity": draw.choice(READINGS),
            "period_end": f"2024-02-0{draw.randrange(1, 4)}",
            "document_no": str(number),
        }

    first = [record(number) for number in range(1, 121)]
    load(first)
    second = [*(record(number) for number in range(201, 311)), *draw.sample(first, 20), EXAMPLE]
    draw.shuffle(second)
    load([*second, *draw.sample(second, 10)])
    told, happened = foretold_and_happened(scene, lambda: load(list(scene.holds.values())))
    assert told == happened
    assert (happened.changed > 5, happened.refused > 0) == (True, True)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("chunk_size", [7, 1000])
@pytest.mark.parametrize("version", [None, "period_end"])
def test_of_a_table_it_is_what_the_next_sync_does(
    river: River, version: str | None, chunk_size: int, seed: int
) -> None:
    """Rows are added, and changed in their place; each sync reads those, the last one all."""
    scene, draw = Scene(river, version, chunk_size), random.Random(seed)
    path, listed = river.folder / "events.db", ", ".join(f"{name} TEXT" for name in COLUMNS)
    with closing(sqlite3.connect(path)) as source, source:
        source.execute(f"CREATE TABLE events (id INTEGER PRIMARY KEY, {listed}, moved INTEGER)")
    add(river.installation, "events", "sqlite", {"path": str(path)})
    rows: dict[int, dict[str, str]] = {}
    days = {f"a{number}": draw.sample(range(1, 29), 20) for number in range(40)}

    def write(number: int, record: dict[str, str]) -> None:
        before = rows.get(number)
        if before is not None:
            del scene.holds[before["document_no"]]
        rows[number] = scene.holds[record["document_no"]] = record
        with closing(sqlite3.connect(path)) as source, source:
            marks = ", ".join("?" * len(COLUMNS))
            values = (number, *(record[name] for name in COLUMNS), scene.loads + 1)
            source.execute(f"INSERT OR REPLACE INTO events VALUES (?, {marks}, ?)", values)

    def record(number: int) -> dict[str, str]:
        """Each row of a key has a version of its own; where none are told, each key has one row."""
        key = f"a{draw.randrange(40)}" if version else f"a{number}"
        day = days[key].pop() if version else 1
        document = f"{number}.{scene.loads}"
        return {
            "activity_id": key,
            "quantity": draw.choice(READINGS),
            "period_end": f"2024-02-{day:02}",
            "document_no": document,
        }

    def sync(cursor: str | None) -> UUID:
        source = {"connector": "events", "table": "events", **({"cursor": cursor} if cursor else {})}
        run_id = plan_sync(river.installation, Recipe.model_validate(scene.recipe(**source)), river.folder)
        since = 0 if cursor is None else scene.loads - 1  # what the last one came to is read again
        scene.note(row for row in rows.values() if int(row["document_no"].partition(".")[2]) >= since)
        carry_out(river.installation, run_id, progress=SilentProgress())
        return run_id

    numbers = iter(draw.sample(range(1, 1000), 200))
    for added in (80, 30, 30):
        for number in draw.sample(sorted(rows), min(len(rows), 25)):
            moved = {"quantity": draw.choice(READINGS), "document_no": f"{number}.{scene.loads}"}
            write(number, rows[number] | moved)
        for number in [next(numbers) for _ in range(added)]:
            write(number, record(number))
        write(0, EXAMPLE | {"document_no": f"0.{scene.loads}"})
        sync("moved")
    told, happened = foretold_and_happened(scene, lambda: sync(None))
    assert told == happened
    assert (happened.changed > 5, happened.refused > 0) == (True, True)
