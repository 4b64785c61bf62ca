"""Addresses of people: what is kept is read as one address, and the same, by whoever composes and sends a message."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import getaddresses
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import Misuse
from headwater.services.notifications.mail import composed
from headwater.services.notifications.wishes import addresses
from headwater.services.notifications.wording import Message

AT = datetime(2026, 11, 22, tzinfo=UTC)
TEST = Message(
    message_id=UUID(int=1), event="test", severity="info", organisation="acme", told=1, first=[], opened_at=AT
)
SIGNS = st.text("ab1.-_+!#$%&'*/=?^`{|}~()[]\\:;,<>\"@ \r\n\t", min_size=1, max_size=8)


@given(SIGNS, SIGNS)
def test_what_is_taken_for_an_address_is_one_address_in_the_message(local: str, domain: str) -> None:
    said = f"{local}@{domain}.org"
    try:
        (kept,) = addresses([said])
    except Misuse:
        return
    message = composed(TEST, "headwater@example.org", [kept], at=AT)
    assert [address for _, address in getaddresses([message["To"]])] == [kept]
    assert message.as_bytes().count(b"\r\nTo: ") == 1


@pytest.mark.parametrize("said", ["jane.doe@example.org", "o'neil+alerts@mail.example.co", "x_y-z@a-b.example"])
def test_usual_addresses_are_taken(said: str) -> None:
    assert addresses([said]) == [said]


@pytest.mark.parametrize(
    "said",
    ["()x@y.org", "a(b@example.org", "g:jane@example.org", "a@[10.0.0.1].org", ".a@example.org", "a..b@example.org",
     "a@example", "a@-x.org", "a@x..org", "a@x.org\n", f"{'a' * 65}@example.org", "jané@example.org", "a@b@c.org"],
)  # fmt: skip
def test_what_mail_programs_read_differently_is_refused(said: str) -> None:
    with pytest.raises(Misuse, match="no address of e-mail"):
        addresses([said])
