from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.audit.chain import (
    GENESIS,
    RESULTS,
    START,
    Anchor,
    Break,
    Entry,
    canonical_payload,
    canonical_text,
    entry_hash,
    next_entry,
    parse_anchor,
    verify_entries,
)
from headwater.errors import Misuse

TENANT = UUID("6f9d5ea4-7c9f-4a7e-9f2e-000000000001")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def chain(*payloads: dict[str, Any]) -> list[Entry]:
    made: list[Entry] = []
    last = START
    for number, payload in enumerate(payloads):
        entry = next_entry(
            last,
            tenant_id=TENANT,
            at=datetime(2026, 1, 2, 3, 4, 5, number, tzinfo=UTC),
            actor="ann",
            action="chunk.committed",
            resource=f"run/1/chunk/{number}",
            payload=payload,
            result="done",
        )
        made.append(entry)
        last = anchor(entry)
    return made


def anchor(entry: Entry) -> Anchor:
    return Anchor(seq=entry.seq, entry_hash=entry.entry_hash)


THREE = chain({"rows": 1}, {"rows": 2}, {"rows": 3})


def test_a_chain_as_written_is_whole() -> None:
    assert verify_entries(THREE, tenant_id=TENANT, head=anchor(THREE[-1]), anchors=map(anchor, THREE)) is None
    assert verify_entries([], tenant_id=TENANT, head=START, anchors=[START]) is None


def test_the_first_entry_follows_nothing() -> None:
    assert THREE[0].seq == 1
    assert THREE[0].prev_hash == GENESIS


@st.composite
def chains(draw: st.DrawFn) -> list[Entry]:
    made: list[Entry] = []
    last = START
    for _ in range(draw(st.integers(1, 5))):
        entry = next_entry(
            last,
            tenant_id=TENANT,
            at=draw(st.datetimes(timezones=st.just(UTC))),
            actor=draw(TEXT),
            action=draw(TEXT),
            resource=draw(TEXT),
            payload=draw(st.dictionaries(TEXT, st.one_of(st.none(), st.booleans(), st.integers(), TEXT), max_size=3)),
            result=draw(st.sampled_from(RESULTS)),
        )
        made.append(entry)
        last = anchor(entry)
    return made


@given(st.data())
def test_any_change_in_any_column_of_any_entry_is_found(data: st.DataObject) -> None:
    made = data.draw(chains())
    number = data.draw(st.integers(0, len(made) - 1))
    column = data.draw(st.sampled_from([field.name for field in fields(Entry)]))
    was = getattr(made[number], column)
    becomes = data.draw(OTHERS[type(was)])
    assume(becomes != was)
    changed = [*made]
    changed[number] = replace(made[number], **{column: becomes})

    found = verify_entries(changed, tenant_id=TENANT)

    assert found is not None
    assert found.seq == number + 1


OTHERS: dict[type, st.SearchStrategy[Any]] = {
    UUID: st.uuids(),
    int: st.integers(0, 2**62),
    datetime: st.datetimes(timezones=st.just(UTC)),
    str: TEXT,
    bytes: st.binary(min_size=32, max_size=32),
}


@given(st.data())
def test_any_bit_of_a_text_or_hash_counts(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 2))
    column = data.draw(st.sampled_from(["actor", "action", "resource", "payload", "prev_hash", "entry_hash"]))
    was = getattr(THREE[number], column)
    content = bytearray(was.encode() if isinstance(was, str) else was)
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << (place % 8)
    becomes: Any = bytes(content).decode("latin-1") if isinstance(was, str) else bytes(content)
    changed = [*THREE]
    changed[number] = replace(THREE[number], **{column: becomes})
    found = verify_entries(changed, tenant_id=TENANT)
    assert found is not None
    assert found.seq == number + 1


@given(chains(), st.data())
def test_an_entry_taken_out_put_in_or_moved_is_found(made: list[Entry], data: st.DataObject) -> None:
    head = anchor(made[-1])
    number = data.draw(st.integers(0, len(made) - 1))
    without = made[:number] + made[number + 1 :]
    assert verify_entries(without, tenant_id=TENANT, head=head) is not None
    twice = [*made[: number + 1], *made[number:]]
    assert verify_entries(twice, tenant_id=TENANT, head=head) is not None
    shuffled = data.draw(st.permutations(made))
    assert (verify_entries(shuffled, tenant_id=TENANT, head=head) is None) == (shuffled == made)


@given(chains(), st.data())
def test_a_cut_tail_shows_against_an_anchor_and_only_against_one(made: list[Entry], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(made) - 1))
    cut = made[:kept]
    new_head = anchor(cut[-1]) if cut else START
    assert verify_entries(cut, tenant_id=TENANT, head=new_head) is None
    found = verify_entries(cut, tenant_id=TENANT, head=new_head, anchors=[anchor(made[-1])])
    assert found == Break(seq=kept + 1, what=f"the tail was cut: an anchor names entry {len(made)}")
    assert verify_entries(cut, tenant_id=TENANT, head=anchor(made[-1])) is not None


def test_a_chain_written_anew_shows_against_an_anchor() -> None:
    forged = chain({"rows": 1}, {"rows": 20}, {"rows": 3})
    assert verify_entries(forged, tenant_id=TENANT, head=anchor(forged[-1])) is None
    found = verify_entries(forged, tenant_id=TENANT, head=anchor(forged[-1]), anchors=[anchor(THREE[2])])
    assert found is not None
    assert found.seq == 3
    assert "written anew" in found.what


def test_an_anchor_of_another_chain_is_found_at_once() -> None:
    found = verify_entries(THREE, tenant_id=TENANT, anchors=[Anchor(seq=0, entry_hash=bytes([1] * 32))])
    assert found == Break(seq=0, what="the anchor is of another chain")


@given(chains())
def test_no_two_entries_have_one_text(made: list[Entry]) -> None:
    texts = {canonical_text(entry) for entry in made}
    assert len(texts) == len(made)


def test_parts_do_not_run_into_each_other() -> None:
    first = replace(THREE[0], actor='a","b', action="c")
    second = replace(THREE[0], actor="a", action='b","c')
    assert entry_hash(first) != entry_hash(second)


def test_the_text_of_an_entry_is_the_same_for_ever() -> None:
    """A change here would break every chain there is."""
    assert canonical_text(THREE[0]) == (
        '["6f9d5ea4-7c9f-4a7e-9f2e-000000000001",1,"2026-01-02T03:04:05.000000+00:00","ann","chunk.committed",'
        '"run/1/chunk/0","done","{\\"rows\\":1}","' + "00" * 32 + '"]'
    )
    assert THREE[0].entry_hash.hex() == "d1ec08a7b68949bb8153cbfad690d7143b4049294527ba6a775d600bc081b52a"


def test_a_time_is_hashed_as_the_instant_it_is() -> None:
    elsewhere = THREE[0].at.astimezone(timezone(timedelta(hours=5)))
    assert entry_hash(replace(THREE[0], at=elsewhere)) == THREE[0].entry_hash


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_an_anchor_reads_back(seq: int, digest: bytes) -> None:
    noted = Anchor(seq=seq, entry_hash=digest)
    assert parse_anchor(f" {noted}\n") == noted


NOT_ANCHORS = ["", "1", "1:", f":{'0' * 64}", f"1:{'0' * 63}", f"01:{'0' * 64}", f"1:{'G' * 64}", f"-1:{'0' * 64}"]


@pytest.mark.parametrize("text", NOT_ANCHORS)
def test_what_is_not_an_anchor_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="not an anchor"):
        parse_anchor(text)


@pytest.mark.parametrize("payload", [{"a": float("nan")}, {"a": b"bytes"}, {"a": {1, 2}}])
def test_what_json_cannot_say_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="cannot be written as JSON"):
        canonical_payload(payload)


def test_the_order_of_a_payload_does_not_matter() -> None:
    assert canonical_payload({"b": 1, "a": "ü"}) == canonical_payload({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'


@pytest.mark.parametrize("changes", [{"actor": "a\0b"}, {"resource": "file\udc80.csv"}, {"payload": {"a": "\udc80"}}])
def test_what_could_not_be_stored_is_refused_before_it_is_hashed(changes: dict[str, Any]) -> None:
    call: dict[str, Any] = {
        "tenant_id": TENANT,
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "actor": "ann",
        "action": "a",
        "resource": "r",
        "payload": {},
        "result": "done",
    }
    with pytest.raises(Misuse, match="cannot store"):
        next_entry(START, **{**call, **changes})
    with pytest.raises(Misuse, match="unknown result"):
        next_entry(START, **{**call, "result": "perhaps"})
    with pytest.raises(Misuse, match="no time zone"):
        next_entry(START, **{**call, "at": datetime(2026, 1, 2)})  # noqa: DTZ001 - the point of the test
