"""Records belong to the unit of their source: who has rights in units sees and changes those records, and no others."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest

from headwater.errors import Forbidden, NotFound
from headwater.services import deletions, entered_records
from headwater.services.access import record_units, units
from headwater.services.access.actors import actor_of
from headwater.services.access.policy import RIGHTS_OF, Actor, Right, Role
from headwater.services.listing import Question
from headwater.services.records import export, history_of, list_records, show_record
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors

if TYPE_CHECKING:
    from headwater.services.installation import Installation

pytestmark = pytest.mark.server
PERSONS = 15
KEYS = [f"k{number}" for number in range(6)]


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The policy in plain Python: where each unit stands, where each record belongs, what somebody was given where."""

    parents: dict[UUID, UUID | None]
    belongs: dict[str, UUID | None]
    given: list[tuple[frozenset[Right], UUID | None]]

    def may(self, right: Right, key: str) -> bool:
        """Given in the organisation, or in the unit of the record or one above it."""
        above: list[UUID | None] = [None]
        at = self.belongs[key]
        while at is not None:
            above.append(at)
            at = self.parents[at]
        return any(right in rights and unit in above for rights, unit in self.given)

    def anywhere(self, right: Right) -> bool:
        return any(right in rights for rights, _ in self.given)


Given = list[tuple[Role | Right, UUID | None]]


def drawn(chance: random.Random, twin: Twin) -> Given:
    """Roles and rights that somebody is given, in units and in the organisation."""
    places = [*twin.parents, None]
    return [(chance.choice([*Role, *Right]), chance.choice(places)) for _ in range(chance.randint(0, 3))]


def person_with(river: River, given: Given) -> Actor:
    """Somebody who was given this, as the house finds it out."""
    person_id, tenant_id = uuid4(), river.installation.tenant_id
    whose = {"tenant": tenant_id, "person": person_id}
    river.change("INSERT INTO people (tenant_id, person_id, state) VALUES (%(tenant)s, %(person)s, 'active')", **whose)
    for what, unit in dict.fromkeys(given):
        table = "memberships (membership_id, role" if isinstance(what, Role) else "grants (grant_id, right_name"
        river.change(
            f"INSERT INTO {table}, tenant_id, person_id, unit_id, given_by)"
            " VALUES (gen_random_uuid(), %(what)s, %(tenant)s, %(person)s, %(unit)s, 'test')",
            what=what.value, unit=unit, **whose,
        )  # fmt: skip
    with river.installation.database.connect(tenant_id) as connection:
        return actor_of(connection, tenant_id, person_id)


@pytest.fixture
def scene(river: River, seed: int) -> tuple[River, Twin, random.Random]:
    """Five units, and six records, each of a source of its own, with a version before it."""
    chance = random.Random(seed)
    opened, made = river.installation, list[UUID | None]([None])
    parents: dict[UUID, UUID | None] = {}
    for number in range(5):
        parent = chance.choice(made)
        unit = units.add(opened, f"unit {number}", "site", parent).unit_id
        parents[unit], made = parent, [*made, unit]
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    belongs: dict[str, UUID | None] = {}
    for key in KEYS:
        for quantity in "12":
            river.load(activities([{"activity_id": key, "quantity": quantity}]), name=f"{key}.csv")
        belongs[key] = chance.choice(made)
        record_units.assign(opened, f"{key}.csv", belongs[key])
    return river, Twin(parents=parents, belongs=belongs, given=[]), chance


def allowed(call: Any) -> bool:
    try:
        call()
    except (Forbidden, NotFound):
        return False
    return True


def deletes(opened: Installation, key: str) -> bool:
    return allowed(lambda: deletions.delete(opened, "activity", [key], reason="x"))


def sees(opened: Installation, key: str) -> bool:
    return allowed(lambda: show_record(opened, "activity", key))


def test_what_people_see_is_what_the_policy_says(scene: tuple[River, Twin, random.Random]) -> None:
    river, twin, chance = scene
    for _ in range(PERSONS):
        given = drawn(chance, twin)
        actor = person_with(river, given)
        person = replace(
            twin,
            given=[(RIGHTS_OF[what] if isinstance(what, Role) else frozenset({what}), unit) for what, unit in given],
        )
        opened = river.installation.acting(actor)
        readable = [key for key in KEYS if person.may(Right.READ, key)]
        if not person.anywhere(Right.READ):
            with pytest.raises(Forbidden):
                list_records(opened, "activity", Question())
        else:
            seen: list[str] = []
            cursor, first = None, True
            while first or cursor:
                page = list_records(opened, "activity", Question(limit=3, cursor=cursor, count=first))
                assert not first or page.total == len(readable)
                seen += [item["key"] for item in page.items]
                cursor, first = page.next_cursor, False
            assert seen == readable
            for key in KEYS:
                assert sees(opened, key) == (key in readable)
                if key in readable:
                    assert len(history_of(opened, "activity", key, Question()).items) == 1
                else:
                    with pytest.raises(NotFound):
                        history_of(opened, "activity", key, Question())
        if person.anywhere(Right.QUERY):
            rows = b"".join(export(opened, "activity", Question(), "csv")).decode().splitlines()[1:]
            queried = [key for key in KEYS if person.may(Right.QUERY, key)]
            assert sorted(row.split(",")[0].strip('"') for row in rows) == queried
        of_database(river, person, actor)
        key = chance.choice(KEYS)
        if person.may(Right.DELETE, key):
            deletions.delete(opened, "activity", [key], reason="x")
            assert not sees(river.installation, key)
            deletions.restore(opened, "activity", [key])
            assert sees(river.installation, key)
        else:
            assert not deletes(opened, key)
    assert verify(river.installation, progress=SilentProgress()).ok


def of_database(river: River, person: Twin, actor: Actor) -> None:
    """The second line: a session that is bound to units reads their rows only, whatever it asks."""
    units_of = actor.units_with(Right.READ)
    if units_of is None:
        return
    with river.installation.database.within(units_of).connect(river.installation.tenant_id) as connection:
        for table in ("activity_v1", "emission_v1", "activity_v1_history"):
            rows = connection.execute(f"SELECT activity_id FROM {table} ORDER BY 1").fetchall()
            assert [row[0] for row in rows] == [key for key in KEYS if person.may(Right.READ, key)], table


def test_who_writes_in_a_unit_writes_there_and_nowhere_else(river: River) -> None:
    opened = river.installation
    berlin, paris = (units.add(opened, name, "site").unit_id for name in ("Berlin", "Paris"))
    river.load(activities([{"activity_id": "p"}]), name="paris.csv")
    record_units.assign(opened, "paris.csv", paris)
    rights = RIGHTS_OF[Role.DATA_ENGINEER]
    one = opened.acting(Actor(name=f"person/{UUID(int=1)}", rights=frozenset(), in_units={berlin: rights}))
    record = {
        "activity_id": "b", "activity_type": "electricity", "region": "DE", "period_start": "2024-01-01",
        "quantity": "1", "unit": "kWh",
    }  # fmt: skip

    for nowhere in (None, paris):
        with pytest.raises(Forbidden):
            entered_records.enter(one, "activity", [record], unit_id=nowhere)
    assert entered_records.enter(one, "activity", [record], unit_id=berlin)["refused"] == []
    assert show_record(one, "activity", "b").unit_id == str(berlin)
    done = entered_records.correct(one, "activity", "b", {"quantity": "2"}, expected=None)
    assert (done["record"].values["quantity"][0], done["record"].unit_id) == ("2", str(berlin))
    entered_records.correct(opened, "activity", "b", {"quantity": "3"}, expected=None)
    assert show_record(one, "activity", "b").values["quantity"][0] == "3"  # whoever corrects it, it stays where it is
    with pytest.raises(NotFound):
        entered_records.correct(one, "activity", "p", {"quantity": "2"}, expected=None)
    taken = {**record, "activity_id": "p", "quantity": "9"}
    (refused,) = entered_records.enter(one, "activity", [taken], unit_id=berlin)["refused"]
    assert "another unit" in refused["findings"][0]["message"]
    assert "paris" not in str(refused)
    assert show_record(opened, "activity", "p").unit_id == str(paris)
    with pytest.raises(NotFound):
        deletions.delete(one, "activity", ["p"], reason="x")
    assert [each["unit_id"] for each in record_units.list_sources(one)] == [str(berlin)] * 4

    record_units.assign(opened, "paris.csv", berlin)
    assert [item["key"] for item in list_records(one, "activity", Question()).items] == ["b", "p"]
    record_units.assign(opened, "paris.csv", None)
    assert [item["key"] for item in list_records(one, "activity", Question()).items] == ["b"]
    assert verify(opened, progress=SilentProgress()).ok
    changes = {
        "activity_v1": "unit_id = %(paris)s WHERE activity_id = 'b'",
        "activity_v1_history": "unit_id = %(paris)s WHERE quantity = 1",
        "source_units": "unit_id = %(paris)s WHERE source_id = (SELECT source_id FROM runs"
        " WHERE state = 'succeeded_with_quarantine')",
    }
    for table, change in changes.items():
        river.change(f"UPDATE {table} SET {change}", paris=paris)
    assert verify(opened, progress=SilentProgress()).by_table.keys() >= changes.keys()


def test_pages_of_units_are_read_from_the_index(river: River) -> None:
    opened = river.installation
    sites = [units.add(opened, f"site {number}", "site").unit_id for number in range(3)]
    for number, site in enumerate(sites):
        rows = [{"activity_id": f"{n:04}-{number}"} for n in range(2000)]
        river.load(activities(rows), name=f"site{number}.csv")
        record_units.assign(opened, f"site{number}.csv", site)
    with psycopg.connect(river.superuser_url, autocommit=True) as superuser:
        superuser.execute("ANALYZE activity_v1")
    mine = frozenset(sites[:2])
    one = opened.acting(
        Actor(name=f"person/{UUID(int=1)}", rights=frozenset(), in_units=dict.fromkeys(mine, RIGHTS_OF[Role.VIEWER]))
    )
    page = list_records(one, "activity", Question(limit=5))
    assert [item["key"] for item in page.items] == ["0000-0", "0000-1", "0001-0", "0001-1", "0002-0"]
    with opened.database.within(mine).connect(opened.tenant_id) as connection:
        plan = connection.execute(
            "EXPLAIN SELECT * FROM unnest(%(units)s::uuid[]) AS u (of_unit) CROSS JOIN LATERAL ("
            " SELECT q.* FROM activity_v1 AS q WHERE q.unit_id = u.of_unit AND q.tenant_id = %(tenant)s"
            " AND (activity_id) > (%(after)s::text) ORDER BY activity_id LIMIT 100) AS q ORDER BY 1 LIMIT 100",
            {"units": sorted(mine), "tenant": opened.tenant_id, "after": "0500-0"},
        ).fetchall()
    told = "\n".join(line for (line,) in plan)
    assert "activity_v1_unit" in told
    assert "Seq Scan on activity_v1" not in told
