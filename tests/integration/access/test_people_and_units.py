"""People, units, roles and grants: what each comes to, who may give it, and what holds when two do it at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from headwater.errors import Conflict, Forbidden, InputRefused, NotFound, Unauthenticated
from headwater.services.access import people, roles, units
from headwater.services.access.actors import actor_of, actor_of_service
from headwater.services.access.keys import keyring
from headwater.services.access.policy import EVERY_RIGHT, RIGHTS_OF, Actor, Right, Role
from headwater.services.sign_in import sessions
from headwater.services.verification import verify
from headwater.store import sign_in as stored
from headwater.telemetry import SilentProgress
from tests.workers import until

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from tests.river import River

pytestmark = pytest.mark.server


def refusals(river: River) -> list[dict[str, Any]]:
    return [each for each in entries(river) if each["action"] == "access.refused"]


def active(river: River, email: str, role: Role, unit_id: UUID | None = None) -> UUID:
    """Somebody who has accepted their invitation."""
    person_id = people.invite(river.installation, email, "Jane Doe", role, unit_id)
    river.change("UPDATE people SET state = 'active' WHERE person_id = %(person)s", person=person_id)
    return person_id


def actor(river: River, person_id: UUID, **more: Any) -> Actor:
    ours = river.installation
    with ours.database.connect(ours.tenant_id) as connection:
        return actor_of(connection, ours.tenant_id, person_id, **more)


def acting(river: River, person_id: UUID) -> Installation:
    return river.installation.acting(actor(river, person_id))


def entries(river: River) -> list[dict[str, Any]]:
    return river.rows("SELECT actor, action, resource, result, payload::text FROM audit_entries ORDER BY seq")


def test_somebody_is_invited_shown_masked_changed_and_erased(river: River) -> None:
    ours = river.installation
    ann = active(river, " Jane@Example.org", Role.ADMIN)
    bob = active(river, "bob.builder@example.org", Role.VIEWER)
    shown = people.person(ours, ann)
    assert (shown.name, shown.email, shown.version) == ("J***", "J***e@Example.org", 3)
    assert people.person(ours, ann, clear=True).email == "Jane@Example.org"
    assert people.named(ours, "JANE@example.ORG") == ann
    with pytest.raises(Conflict, match="already"):
        people.invite(ours, "jane@example.org", "Another", Role.VIEWER)
    for email in ("jane", "jane@x", "a b@example.org", "x@" + "y" * 300 + ".org"):
        with pytest.raises(InputRefused):
            people.invite(ours, email, "Jane", Role.VIEWER)
    viewer = acting(river, bob)
    assert people.person(viewer, bob, clear=True).email == "bob.builder@example.org"
    assert people.person(viewer, ann).email == "J***e@Example.org"
    for look in (lambda: people.person(viewer, ann, clear=True), lambda: people.list_people(viewer, clear=True)):
        with pytest.raises(Forbidden, match="manage_users"):
            look()
    assert [each.person_id for each in people.list_people(ours, after=ann)] == [bob]
    people.change(viewer, bob, name="Robert Builder")
    with pytest.raises(Forbidden):
        people.change(viewer, bob, email="robert@example.org")
    changed = people.change(ours, bob, email="robert@example.org", expected=4)
    with pytest.raises(Conflict, match="changed since") as conflict:
        people.change(ours, bob, name="Nobody", expected=4)
    theirs: Any = conflict.value.theirs
    assert theirs["version"] == changed.version == 5
    assert conflict.value.mine == {"name": "Nobody", "email": None}
    with pytest.raises(Conflict, match="already"):
        people.change(ours, bob, email="jane@example.org")

    people.suspend(ours, bob)
    with pytest.raises(Unauthenticated):
        actor(river, bob)
    people.resume(ours, bob)  # has no password and was never there: invited as before
    assert people.person(ours, bob).state == "invited"
    people.erase(ours, bob)
    erased = people.person(ours, bob, clear=True)
    assert (erased.state, erased.name, erased.email, erased.roles) == ("erased", None, None, ())
    assert river.rows("SELECT person_id FROM person_keys") == [{"person_id": ann}]
    for again in (people.erase, people.suspend, people.resume):
        with pytest.raises(Conflict, match="erased"):
            again(ours, bob)
    assert people.invite(ours, "robert@example.org", "Robert", Role.VIEWER) != bob
    said = entries(river)
    assert [each["actor"] for each in said if each["action"] == "access.refused"] == [f"person/{bob}"]
    reads = [(each["actor"], each["result"]) for each in said if each["action"] == "personal_data.read"]
    assert reads == [("headwater", "done"), *[(f"person/{bob}", "refused")] * 2, ("headwater", "done")]
    assert not [each for each in said if "example" in each["payload"].lower() or "jane" in each["payload"].lower()]
    assert verify(ours, progress=SilentProgress()).ok
    with pytest.raises(NotFound):
        people.person(replace(ours, tenant_id=uuid4()), ann)


def test_roles_and_grants_spread_down_the_units_and_end(river: River) -> None:
    ours = river.installation
    europe = units.add(ours, "Europe", "division").unit_id
    berlin = units.add(ours, "Berlin", "site", europe).unit_id
    lab = units.add(ours, "Water", "laboratory", berlin).unit_id
    asia = units.add(ours, "Asia", "division").unit_id
    ann = active(river, "ann@example.org", Role.DATA_ANALYST, europe)
    ended = roles.grant(ours, ann, Right.DELETE, berlin, expires_at=datetime.now(UTC) + timedelta(hours=1))
    roles.grant(ours, ann, Right.QUERY)
    found = actor(river, ann)
    analyst = RIGHTS_OF[Role.DATA_ANALYST]
    assert found.rights == {Right.QUERY}
    assert found.in_units == {europe: analyst, berlin: analyst | {Right.DELETE}, lab: analyst | {Right.DELETE}}
    assert not found.may(Right.READ, asia)
    assert actor(river, ann, scopes=[Right.READ]).in_units[lab] == {Right.READ}
    assert [view.path[-1] for view in units.list_units(ours.acting(found))] == ["Europe", "Berlin", "Water"]
    assert [each.person_id for each in people.list_people(ours.acting(found))] == [ann]
    river.change("UPDATE grants SET expires_at = now() WHERE grant_id = %(grant)s", grant=ended)
    assert actor(river, ann).in_units[lab] == analyst
    units.change(ours, lab, moves=True, parent_id=asia)
    assert lab not in actor(river, ann).in_units
    with ours.database.connect(ours.tenant_id) as connection:
        service = actor_of_service(
            connection, ours.tenant_id, token_id=uuid4(), role=Role.VIEWER, unit_id=asia, scopes=EVERY_RIGHT
        )
    assert service.in_units == dict.fromkeys((asia, lab), RIGHTS_OF[Role.VIEWER])
    assert units.hanging_on(ours, europe) == units.HangingOn(units=1, roles=1, grants=1, tokens=0)
    assert units.archive(ours, europe) == 2
    assert actor(river, ann).in_units == {}
    with pytest.raises(Conflict, match="archived"):
        roles.give_role(ours, ann, Role.VIEWER, berlin)
    assert units.restore(ours, europe) == 2
    assert set(actor(river, ann).in_units) == {europe, berlin}
    roles.revoke(ours, ended)
    with pytest.raises(NotFound):
        roles.revoke(ours, ended)
    with pytest.raises(InputRefused, match="future"):
        roles.grant(ours, ann, Right.READ, expires_at=datetime.now(UTC))


def test_nobody_gives_what_they_have_not_and_nobody_puts_out_who_may_more(river: River) -> None:
    ours = river.installation
    site = units.add(ours, "Berlin", "site").unit_id
    admin = active(river, "admin@example.org", Role.ADMIN)
    clerk = active(river, "clerk@example.org", Role.VIEWER)
    roles.grant(ours, clerk, Right.MANAGE_USERS)
    local = active(river, "local@example.org", Role.ADMIN, site)
    as_clerk, as_local = acting(river, clerk), acting(river, local)
    new = people.invite(as_clerk, "new@example.org", "New", Role.VIEWER)
    for attempt in (
        lambda: people.invite(as_clerk, "other@example.org", "Other", Role.REVIEWER),
        lambda: roles.give_role(as_clerk, clerk, Role.ADMIN),
        lambda: roles.grant(as_clerk, clerk, Right.WRITE),
        lambda: roles.take_role(as_clerk, admin, Role.ADMIN),
        lambda: people.suspend(as_clerk, admin),
        lambda: people.erase(as_clerk, local),
        lambda: people.change(as_clerk, admin, email="mine@example.org"),
        lambda: roles.give_role(as_local, local, Role.VIEWER),
        lambda: people.suspend(as_local, new),
        lambda: units.add(as_local, "Europe", "division"),
        lambda: units.change(as_local, site, moves=True, parent_id=None),
    ):
        noted = len(refusals(river))
        with pytest.raises(Forbidden) as error:
            attempt()
        said = refusals(river)
        assert len(said) == noted + 1
        assert json.loads(said[-1]["payload"])["right"] == error.value.value
    assert roles.give_role(as_local, new, Role.DATA_ENGINEER, site)
    assert not roles.give_role(as_local, new, Role.DATA_ENGINEER, site)
    units.add(as_local, "Water", "laboratory", site)
    assert roles.take_role(as_local, new, Role.DATA_ENGINEER, site)


def at_once(*calls: Any) -> list[str]:
    """What came of calls that were made at the same time, over connections of their own."""

    def told(call: Any) -> str:
        try:
            call()
        except Conflict as error:
            return error.what
        return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(told, calls))


def test_of_two_at_once_the_second_finds_what_the_first_did(river: River) -> None:
    ours = river.installation
    ann, bob = active(river, "ann@example.org", Role.ADMIN), active(river, "bob@example.org", Role.ADMIN)
    last = "this is the last administrator of the organisation"
    assert at_once(lambda: people.suspend(ours, ann), lambda: roles.take_role(ours, bob, Role.ADMIN)) == ["done", last]
    taken = "somebody with this address is in the organisation already"
    invite = lambda: people.invite(ours, "carl@example.org", "Carl", Role.VIEWER)  # noqa: E731
    assert at_once(invite, invite) == ["done", taken]
    one, two = (units.add(ours, name, "division").unit_id for name in ("one", "two"))
    below = "a unit cannot stand below itself"
    assert at_once(
        lambda: units.change(ours, one, moves=True, parent_id=two),
        lambda: units.change(ours, two, moves=True, parent_id=one),
    ) == sorted(["done", below])
    twice = "another unit of this name stands in the same place"
    add = lambda: units.add(ours, "three", "site")  # noqa: E731
    assert at_once(add, add) == sorted(["done", twice])


def test_who_signs_in_while_they_are_suspended_has_no_session_left(river: River) -> None:
    ours = river.installation
    active(river, "ann@example.org", Role.ADMIN)
    bob = active(river, "bob@example.org", Role.VIEWER)
    with ThreadPoolExecutor() as pool:
        with ours.database.connect(ours.tenant_id) as signing_in:
            stored.lock_person(signing_in, ours.tenant_id, bob)
            sessions.begin(ours, signing_in, bob, method="password", origin=sessions.UNKNOWN)
            suspending = pool.submit(people.suspend, ours, bob)
            until(lambda: waits(river), "the suspension waits for the person")
        suspending.result(60)
    assert [row["ended"] for row in river.rows("SELECT ended_at IS NOT NULL AS ended FROM sessions")] == [True]


def waits(river: River) -> bool:
    return bool(river.rows("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%people%'"))


def test_a_change_of_name_and_state_is_done_whole_or_not_at_all(river: River) -> None:
    ours = river.installation
    active(river, "ann@example.org", Role.ADMIN)
    bob = active(river, "bob@example.org", Role.VIEWER)
    before = people.person(ours, bob, clear=True)
    with pytest.raises(Conflict, match="this address"):
        people.change(ours, bob, email="ann@example.org", state="suspended", expected=before.version)
    assert people.person(ours, bob, clear=True) == before
    both = people.change(ours, bob, name="Bob", state="suspended", expected=before.version)
    assert (both.state, people.person(ours, bob, clear=True).name) == ("suspended", "Bob")
    changed = [each["action"] for each in entries(river) if each["action"].startswith("person.")]
    assert changed[-2:] == ["person.suspended", "person.changed"]


def test_a_unit_is_renamed_and_moved_whole_or_not_at_all(river: River) -> None:
    ours = river.installation
    site = units.add(ours, "Works", "site")
    hall = units.add(ours, "Hall", "laboratory", site.unit_id).unit_id
    told = len(entries(river))
    with pytest.raises(Conflict, match="below itself"):
        units.change(ours, site.unit_id, name="Factory", moves=True, parent_id=hall, expected=site.version)
    assert (units.unit(ours, site.unit_id), len(entries(river))) == (site, told)
    north = units.add(ours, "North", "division").unit_id
    both = units.change(ours, site.unit_id, name="Factory", moves=True, parent_id=north, expected=site.version)
    assert (both.path, both.version) == (("North", "Factory"), site.version + 1)
    with pytest.raises(Conflict) as late:
        units.change(ours, site.unit_id, kind="division", moves=True, expected=site.version)
    assert late.value.mine == {"kind": "division", "parent_id": None}
    assert [each["action"] for each in entries(river)][-2:] == ["unit.renamed", "unit.moved"]


def test_the_chain_holds_what_somebody_was_called_before_and_after_until_they_are_erased(river: River) -> None:
    ours = river.installation
    active(river, "ann@example.org", Role.ADMIN)
    bob = people.invite(ours, "bob@example.org", "Bob Roe", Role.VIEWER)
    people.change(ours, bob, name="Robert Roe", email="robert@example.org")
    people.change(ours, bob, name="Rob Roe")
    told = [json.loads(each["payload"]) for each in entries(river) if each["action"] == "person.changed"]
    with ours.database.connect(ours.tenant_id) as connection:
        key = keyring(ours, connection).of(bob)
    opened = [
        {when: {field: key.decrypt(field, bytes.fromhex(text)) for field, text in each[when].items()}
         for when in ("before", "after")}
        for each in told
    ]  # fmt: skip
    assert opened == [
        {"before": {"email": "bob@example.org", "name": "Bob Roe"},
         "after": {"email": "robert@example.org", "name": "Robert Roe"}},
        {"before": {"name": "Robert Roe"}, "after": {"name": "Rob Roe"}},
    ]  # fmt: skip
    assert "roe" not in json.dumps(told).lower()
    people.erase(ours, bob)
    with ours.database.connect(ours.tenant_id) as connection:
        assert keyring(ours, connection).of_everybody([bob]) == {}
    assert verify(ours, progress=SilentProgress()).ok


def test_a_tree_is_as_deep_as_it_is(river: River) -> None:
    ours = river.installation
    parent = None
    for depth in range(30):
        parent = units.add(ours, f"level {depth}", "department", parent).unit_id
    top = units.named(ours, "level 0")
    with pytest.raises(Conflict, match="below itself"):
        units.change(ours, top, moves=True, parent_id=parent)
    renamed = units.change(ours, top, name="top", expected=1)
    assert (renamed.path, renamed.version) == (("top",), 2)
    with pytest.raises(Conflict, match="changed since") as conflict:
        units.change(ours, top, name="bottom", expected=1)
    theirs: Any = conflict.value.theirs
    assert theirs["name"] == "top"
    assert {len(view.path) for view in units.list_units(ours)} == set(range(1, 31))
    with pytest.raises(InputRefused):
        units.add(ours, "a/b", "site")
    with pytest.raises(InputRefused, match="division, department"):
        units.add(ours, "x", "town")
