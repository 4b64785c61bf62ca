"""Records handed to another organisation or to all: copies with their licence, and nothing else is learnt by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from headwater.errors import Conflict, Misuse, NotFound
from headwater.services import datasets
from headwater.services.listing import Question
from headwater.services.records import list_records, show_record
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors

if TYPE_CHECKING:
    from headwater.services.installation import Installation as Opened
    from tests.servers import Installation

pytestmark = pytest.mark.server
ROWS = [{"activity_id": key, "quantity": str(number), "note": "Jane's"} for number, key in enumerate("abc", start=1)]


def proved(opened: Opened) -> bool:
    return verify(opened, progress=SilentProgress()).ok


def test_a_copy_is_offered_accepted_and_told_on_both_sides(river: River, installation: Installation) -> None:
    ours = river.installation
    theirs, third = (replace(ours, tenant_id=installation.add_tenant(name)) for name in ("acme", "third"))
    river.load(activities(ROWS))
    made = datasets.offer(ours, "plant", "activity", "acme", licence="one year", filters=["activity_id:in:a|b"])
    to_nobody = datasets.offer(ours, "plant", "activity", "nobody-here", licence="one year")
    assert (made.records, to_nobody.records) == (2, 3)

    other = "A" if made.text[-2] != "A" else "B"
    wrong = f"{made.text[:-2]}{other}{made.text[-1]}"
    for opened, text in ((third, made.text), (theirs, to_nobody.text), (theirs, wrong), (theirs, "hwd_x")):
        with pytest.raises(NotFound) as refused:
            datasets.accept(opened, text)
        assert (refused.value.what, refused.value.value) == ("this opens no dataset here", None)
    taken = datasets.accept(theirs, made.text)

    assert (taken["records"], taken["licence"], taken["sha256"]) == (2, "one year", made.sha256)
    assert [item["key"] for item in list_records(theirs, "activity", Question()).items] == ["a", "b"]
    assert show_record(theirs, "activity", "a", clear=True).values["note"] is None  # personal, so it stays at home
    assert list_records(third, "activity", Question()).items == []
    told = river.rows("SELECT tenant_id, action, actor FROM audit_entries WHERE action LIKE 'dataset.%%' ORDER BY seq")
    assert [row["action"] for row in told if row["tenant_id"] == theirs.tenant_id] == ["dataset.taken"]
    handed = next(row for row in told if row["action"] == "dataset.handed_over")
    assert (handed["tenant_id"], handed["actor"]) == (ours.tenant_id, f"organisation/{theirs.tenant_id}")
    assert datasets.list_offers(theirs) == []
    assert [each["offer_id"] for each in datasets.list_offers(ours) if each["taken_at"]] == [made.offer_id]

    river.load(activities([{**ROWS[0], "quantity": "9"}]), name="later.csv")
    assert show_record(theirs, "activity", "a").values["quantity"].startswith("1")  # a copy stays as it was taken
    datasets.withdraw(ours, UUID(made.offer_id))
    with pytest.raises(NotFound):
        datasets.accept(theirs, made.text)
    assert proved(ours)
    assert proved(theirs)


def test_what_is_public_is_read_by_all_and_changed_by_the_owner_only(
    river: River, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = river.installation, replace(river.installation, tenant_id=installation.add_tenant("acme"))
    rows = [{"factor_id": "free"}, {"factor_id": "kept", "region": "FR", "redistributable": "false"}]
    river.load(factors(rows), name="factors.csv", mapping="factor_form")
    owner = installation.owner_url

    def refused(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as unnoted:
        unnoted.setattr(datasets, "_note", refused)
        with pytest.raises(KeyboardInterrupt):
            datasets.publish(ours, owner, "factors", "emission_factor", licence="CC0")
    assert datasets.list_public(theirs) == [], "what is not noted is not public"
    first = datasets.publish(ours, owner, "factors", "emission_factor", licence="CC0", of_installation=True)
    again = datasets.publish(ours, owner, "factors", "emission_factor", licence="CC0", of_installation=True)
    assert (first, again) == (1, 2)
    with pytest.raises(Conflict, match="another publisher's"):
        datasets.publish(ours, owner, "factors", "emission_factor", licence="CC0")
    (shown,) = datasets.list_public(theirs)
    assert (shown["version"], shown["publisher"], shown["records"]) == (2, None, 1)
    assert datasets.read_public(theirs, "factors").count(b"\n") == 2
    taken = datasets.take_public(theirs, "factors")
    assert taken["publisher"] == "the installation"
    assert [item["key"] for item in list_records(theirs, "emission_factor", Question()).items] == ["free"]
    for statement in ("DELETE FROM {}", "UPDATE {} SET name = 'x'", "INSERT INTO {} DEFAULT VALUES"):
        with pytest.raises(Misuse, match="permission denied"), ours.database.connect(ours.tenant_id) as connection:
            connection.execute(statement.format("public_datasets").encode())
    with pytest.raises(NotFound):
        datasets.take_back(ours, owner, "factors")
    assert datasets.take_back(ours, owner, "factors", of_installation=True) == 2
    assert datasets.list_public(theirs) == []
    with pytest.raises(Misuse, match="personal"):
        datasets.offer(ours, "people", "erp.worker", "acme", licence="x")
    assert proved(ours)
    assert proved(theirs)


def test_what_is_handed_over_is_in_the_giver_s_chain_though_the_receiver_is_killed_or_it_is_withdrawn_meanwhile(
    river: River, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = river.installation
    theirs = replace(ours, tenant_id=installation.add_tenant("acme"))
    river.load(activities(ROWS))
    made = datasets.offer(ours, "plant", "activity", "acme", licence="one year")

    def killed(*_: object, **__: object) -> None:
        datasets.withdraw(ours, UUID(made.offer_id))
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "carry_out", killed)
    with pytest.raises(KeyboardInterrupt):
        datasets.accept(theirs, made.text)
    told = river.rows(
        "SELECT action FROM audit_entries WHERE action LIKE 'dataset.%%' AND tenant_id = %(ours)s ORDER BY seq",
        ours=ours.tenant_id,
    )
    assert [row["action"] for row in told] == ["dataset.offered", "dataset.handed_over", "dataset.withdrawn"]
    assert datasets.list_offers(ours)[0]["taken_at"] is not None


def test_of_offers_so_much_is_kept_and_of_what_nobody_can_take_nothing(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = river.installation
    river.load(activities(ROWS))
    first, second = (datasets.offer(ours, "plant", "activity", "acme", licence="x") for _ in range(2))
    monkeypatch.setattr(datasets, "MOST_OFFERS", 2)
    with pytest.raises(Misuse, match="so many offers"):
        datasets.offer(ours, "plant", "activity", "acme", licence="x")
    datasets.withdraw(ours, UUID(first.offer_id))
    river.change("UPDATE dataset_offers SET expires_at = now() WHERE offer_id = %(offer)s", offer=UUID(second.offer_id))
    datasets.offer(ours, "plant", "activity", "acme", licence="x")
    kept = river.rows("SELECT octet_length(content) AS size FROM dataset_offers ORDER BY offered_at")
    assert [row["size"] > 0 for row in kept] == [False, False, True]
    monkeypatch.setattr(datasets, "MOST_BYTES", 20)
    with pytest.raises(Misuse, match="a dataset is smaller"):
        datasets.offer(ours, "plant", "activity", "acme", licence="x")
