"""A personal value opens for whom and where it was sealed, and nowhere else, and is the same ciphertext each time."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.services.access.seals import INDEX_BYTES, SUBJECT_KEY_BYTES, Subject, subject_of
from headwater.store.sealed import is_sealed, opened_refusals

ORGANISATION = UUID(int=1)
INDEX = bytes(INDEX_BYTES)
places = st.text(min_size=1, max_size=20)
texts = st.text(max_size=200)


def subject() -> Subject:
    return Subject(ORGANISATION, uuid4(), secrets.token_bytes(SUBJECT_KEY_BYTES))


@given(places, texts.filter(bool))
def test_a_value_comes_back_as_it_was_and_is_sealed_the_same_again(place: str, text: str) -> None:
    ann = subject()
    sealed = ann.seal(place, text, INDEX)
    assert is_sealed(sealed)
    assert ann.open(place, sealed) == text
    assert ann.seal(place, text, INDEX) == sealed
    assert subject_of(sealed) == ann.subject_id


@given(places, places, texts.filter(bool))
def test_it_opens_for_no_other_subject_place_or_organisation(place: str, other: str, text: str) -> None:
    assume(place != other)
    ann = subject()
    sealed = ann.seal(place, text, INDEX)
    assert ann.open(other, sealed) is None
    assert subject().open(place, sealed) is None
    assert Subject(UUID(int=2), ann.subject_id, ann.key).open(place, sealed) is None
    assert Subject(ORGANISATION, uuid4(), ann.key).open(place, sealed) is None


@given(places, texts.filter(bool), st.integers(min_value=0))
def test_a_changed_ciphertext_does_not_open(place: str, text: str, at: int) -> None:
    ann = subject()
    head, _, body = ann.seal(place, text, INDEX).rpartition(".")
    at %= len(body) - 1  # bits of the last sign may say nothing
    changed = f"{head}.{body[:at]}{'A' if body[at] != 'A' else 'B'}{body[at + 1 :]}"
    assert ann.open(place, changed) is None


@given(st.dictionaries(texts, st.none() | texts))
def test_cells_without_ciphertext_are_left_as_they_are(cells: dict[str, str | None]) -> None:
    assume(not any(map(is_sealed, cells.values())))
    assert opened_refusals([cells], None) == [cells]
