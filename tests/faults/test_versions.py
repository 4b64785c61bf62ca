"""Any versions of a file, at any size of chunks, broken off anywhere: laws 1 and 2 held against a plain model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import hypothesis
import psycopg
import pytest
import yaml
from hypothesis import strategies as st

from headwater.contracts import Code, Contract, Integer, compile_contract
from headwater.packs.ghg import pack as ghg
from headwater.services.imports import resume, run_recipe
from headwater.services.verification import verify
from headwater.store.tenants import add_tenant
from headwater.telemetry import SilentProgress
from tests.examples import examples
from tests.faults.breaking import BrokenOff, Until
from tests.river import River, make_river
from tests.servers import TestServer

pytestmark = [pytest.mark.server, pytest.mark.faults]


class Reading(Contract, name="reading", version="1.0.0", title="Reading", description="A value under a key."):
    """Small, so that many chunks take little time."""

    key: Annotated[str, Code(key=True, max_length=8, description="The key.")]
    value: Annotated[int, Integer(description="The value.")]
    revision: Annotated[int | None, Integer(description="Which version of the key it is; none is the oldest.")] = None


DOCUMENT = compile_contract(Reading)
BAD = "bad"

# Few keys and few values, so that records meet.
RECORDS = st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "2", "3", BAD]))
REVISED = st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", BAD]), st.sampled_from(["", "1", "2", "3"]))


@dataclass(frozen=True, kw_only=True)
class Import:
    """One version of the file, the size of its chunks, and after how many chunks the run breaks off, each time anew."""

    records: list[tuple[str, ...]]
    chunk_size: int
    breaks: list[int]


@st.composite
def imports(draw: st.DrawFn, record: st.SearchStrategy[tuple[str, ...]] = RECORDS) -> list[Import]:
    """Versions of one file: another one, the last or an earlier one edited, or the same again."""
    versions: list[Import] = []
    for _ in range(draw(st.integers(1, 4))):
        if versions:
            records = _edited(draw, draw(st.sampled_from(versions)).records, record)
        else:
            records = draw(st.lists(record, max_size=9))
        versions.append(
            Import(
                records=records,
                chunk_size=draw(st.integers(1, 5)),
                breaks=draw(st.lists(st.integers(1, 3), max_size=2)),
            )
        )
    return versions


def _edited(
    draw: st.DrawFn, records: list[tuple[str, ...]], record: st.SearchStrategy[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    records = list(records)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(records)))
        match draw(st.sampled_from(["insert", "replace", "delete"])):
            case "insert":
                records.insert(place, draw(record))
            case "replace":
                records[place : place + 1] = [draw(record)]
            case _:
                del records[place : place + 1]
    return records


@dataclass(kw_only=True)
class Model:
    """What laws 1 and 2 make of the versions, in a few lines."""

    rows: dict[str, str] = field(default_factory=dict)
    past: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: dict[tuple[tuple[str, str], int], str] = field(default_factory=dict)  # (record, occurrence) -> state

    def take(self, records: list[tuple[str, ...]]) -> Counter[str]:
        """The ledger of one version."""
        ledger: Counter[str] = Counter()
        read: dict[str, str] = {}
        again: Counter[tuple[str, str]] = Counter()
        for key, value in records:
            if value == BAD or read.setdefault(key, value) != value:
                again[(key, value)] += 1
                ledger["quarantined"] += 1
            elif self.rows.get(key) == value:
                ledger["as before"] += 1
            elif key in self.rows:
                self.past[(key, self.rows[key])] += 1
                ledger["updated"] += 1
            else:
                ledger["inserted"] += 1
            if value != BAD:
                self.rows[key] = read[key]
        for known in self.refused:
            self.refused[known] = "expired"
        self.refused |= {(each, number): "open" for each in again for number in range(1, again[each] + 1)}
        return ledger


@pytest.fixture(scope="module")
def readings(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[River]:
    installation = server.upgraded([*ghg.documents(), DOCUMENT])
    river = make_river(installation, tmp_path_factory.mktemp("readings"))
    vars(river.installation)["packs"] = (replace(ghg, contracts=(Reading,)),)
    body = {"mapping": "readings", "version": "1.0.0", "contract": "reading@1", "fields": {}}
    body["fields"] = {name: {"column": name} for name in ("key", "value", "revision")}
    (river.folder / "readings.yaml").write_text(yaml.safe_dump(body))
    yield river
    server.drop(installation)


@hypothesis.settings(max_examples=examples(10))
@hypothesis.given(versions=imports())
@hypothesis.example(
    # In the last chunk the first record is refused for a row of the first chunk, which the second one equals.
    versions=[Import(records=[("a", "2"), ("b", "1"), ("a", "1"), ("a", "2")], chunk_size=2, breaks=[])]
)
@hypothesis.example(
    # The same again at another size, and once more at the first: what was refused is refused still.
    versions=[Import(records=[("a", "1"), ("a", "2")], chunk_size=size, breaks=[]) for size in (1, 1, 2, 1)]
)
@hypothesis.example(
    # A record before two equal bad ones is corrected: of three bad records two are left, and are numbered so.
    versions=[
        Import(records=[("a", first), ("a", BAD), ("a", BAD)], chunk_size=1, breaks=[]) for first in (BAD, BAD, "1")
    ]
)
@pytest.mark.long
def test_every_version_leaves_what_the_laws_say(readings: River, versions: list[Import]) -> None:
    river = _organisation_of_its_own(readings)
    model = Model()
    for version in versions:
        expected = model.take(version.records)
        ledger = river.ledger(_import(river, version))

        assert ledger.read == ledger.produced == len(version.records)
        assert (ledger.inserted, ledger.updated) == (expected["inserted"], expected["updated"])
        assert ledger.unchanged + ledger.merged == expected["as before"]
        assert ledger.quarantined == expected["quarantined"]
        of = {"tenant": river.installation.tenant_id}
        rows = river.rows("SELECT key, value::text FROM reading_v1 WHERE tenant_id = %(tenant)s", **of)
        assert {row["key"]: row["value"] for row in rows} == model.rows
        past = river.rows("SELECT key, value::text FROM reading_v1_history WHERE tenant_id = %(tenant)s", **of)
        assert Counter((row["key"], row["value"]) for row in past) == model.past
        refused = river.rows("SELECT raw, occurrence, state FROM quarantine WHERE tenant_id = %(tenant)s", **of)
        found = {((row["raw"]["key"], row["raw"]["value"]), row["occurrence"]): row["state"] for row in refused}
        assert found == model.refused


@dataclass(kw_only=True)
class Revisions:
    """The same where `revision` orders the versions of a key, record by record."""

    rows: dict[str, tuple[int, str]] = field(default_factory=dict)  # key -> revision, -1 for none, and value
    past: Counter[tuple[str, tuple[int, str]]] = field(default_factory=Counter)
    refused: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def take(self, records: list[tuple[str, ...]]) -> Counter[str]:
        """The ledger of one version of the file."""
        ledger: Counter[str] = Counter()
        read: set[str] = set()
        self.refused.clear()
        for key, value, revision in records:
            row, stands = (int(revision or -1), value), self.rows.get(key)
            if value == BAD or (stands and row[0] == stands[0] and row != stands and key in read):
                ledger["quarantined"] += 1
                self.refused[(key, value, revision)] += 1
                continue
            if stands and row[0] < stands[0]:
                ledger["older"] += 1
                continue
            read.add(key)
            if row == stands:
                ledger["as before"] += 1
                continue
            if stands:
                self.past[(key, stands)] += 1
            ledger["updated" if stands else "inserted"] += 1
            self.rows[key] = row
        return ledger


@hypothesis.settings(max_examples=examples(10))
@hypothesis.given(versions=imports(REVISED))
@hypothesis.example(
    # A lower version after a higher one, in the same chunk and in the next; one without any is the lowest.
    versions=[
        Import(records=[("a", "1", "1"), ("a", "2", "3"), ("a", "1", "2"), ("a", "1", "")], chunk_size=size, breaks=[])
        for size in (4, 1, 2)
    ]
)
@hypothesis.example(
    # Three versions in one chunk, the second twice, with other content; then a file that went back.
    versions=[
        Import(records=[("a", "1", "1"), ("a", "1", "2"), ("a", "2", "2"), ("a", "1", "3")], chunk_size=5, breaks=[]),
        Import(records=[("a", "2", "2"), ("b", "1", "")], chunk_size=5, breaks=[]),
    ]
)
@pytest.mark.long
def test_of_the_versions_of_a_record_the_highest_stands(readings: River, versions: list[Import]) -> None:
    river = _organisation_of_its_own(readings)
    model = Revisions()
    of = {"tenant": river.installation.tenant_id}
    columns = "key, coalesce(revision, -1) AS revision, value::text"
    for version in versions:
        expected = model.take(version.records)
        ledger = river.ledger(_import(river, version, ordered_by="revision"))

        assert ledger.read == ledger.mapped + ledger.skipped.get("older_version", 0) == len(version.records)
        assert ledger.skipped.get("older_version", 0) == expected["older"]
        assert (ledger.inserted, ledger.updated) == (expected["inserted"], expected["updated"])
        assert ledger.unchanged + ledger.merged == expected["as before"]
        assert ledger.quarantined == expected["quarantined"]
        rows = river.rows(f"SELECT {columns} FROM reading_v1 WHERE tenant_id = %(tenant)s", **of)
        assert {row["key"]: (row["revision"], row["value"]) for row in rows} == model.rows
        past = river.rows(f"SELECT {columns} FROM reading_v1_history WHERE tenant_id = %(tenant)s", **of)
        assert Counter((row["key"], (row["revision"], row["value"])) for row in past) == model.past
        refused = river.rows("SELECT raw FROM quarantine WHERE tenant_id = %(tenant)s AND state = 'open'", **of)
        assert Counter(tuple(row["raw"].values()) for row in refused) == model.refused
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences


def _organisation_of_its_own(river: River) -> River:
    """For each example, in place of a database of its own."""
    name = f"o{len(river.rows('SELECT FROM tenants'))}"
    with psycopg.connect(river.superuser_url) as connection:
        tenant = add_tenant(connection, name)
    installation = replace(river.installation, tenant_id=tenant)
    vars(installation)["packs"] = river.installation.packs
    return replace(river, installation=installation)


def _import(river: River, version: Import, *, ordered_by: str | None = None) -> UUID:
    path: Path = river.folder / "readings.csv"
    rows = [(key, value, *revision, "")[:3] for key, value, *revision in version.records]
    path.write_text("key,value,revision\n" + "".join(f"{','.join(row)}\n" for row in rows))
    load = {"chunk_size": version.chunk_size} | ({"version": ordered_by} if ordered_by else {})
    recipe = {"recipe": "readings", "source": {"path": path.name}, "mapping": "readings.yaml", "load": load}
    (river.folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    breaks = [Until(chunks) for chunks in version.breaks]
    progress = [*breaks, SilentProgress()]
    try:
        return run_recipe(river.installation, river.folder / "recipe.yaml", progress=progress.pop(0))
    except BrokenOff:
        pass
    tenant = {"tenant": river.installation.tenant_id}
    (run,) = river.rows(
        "SELECT run_id FROM runs WHERE tenant_id = %(tenant)s ORDER BY started_at DESC LIMIT 1", **tenant
    )
    while True:
        try:
            return resume(river.installation, str(run["run_id"]), progress=progress.pop(0))
        except BrokenOff:
            continue
