from __future__ import annotations

from uuid import uuid4

from headwater.services.sign_in.bearers import Bearer, Kind, read_bearer
from headwater.telemetry import redact


def test_a_bearer_is_read_as_it_was_written_and_shows_its_secret_nowhere() -> None:
    for kind in Kind:
        new = Bearer.new(kind, uuid4())
        assert read_bearer(new.text, *Kind) == new
        assert new.secret not in repr(new)
        assert new.is_of(new.secret_hash)
        assert not Bearer.new(kind, new.tenant_id).is_of(new.secret_hash)


def test_what_is_no_bearer_is_none() -> None:
    text = Bearer.new(Kind.TOKEN, uuid4()).text
    changed = [text[:-1], text + "A", text.upper(), text + "\n", "hwx" + text[3:], "٣" + text[1:], "", text * 1000]
    assert [read_bearer(each, *Kind) for each in changed] == [None] * len(changed)


def test_a_bearer_of_another_kind_is_none() -> None:
    link = Bearer.new(Kind.LINK, uuid4()).text
    assert read_bearer(link, Kind.SESSION, Kind.TOKEN) is None


def test_no_log_entry_has_the_secret_of_a_bearer() -> None:
    for kind in Kind:
        new = Bearer.new(kind, uuid4())
        told = str(redact(None, "info", {"event": f"GET /sign-in/link/{new.text} 200", "more": [new.text]}))
        assert new.secret not in told
        assert new.id.hex in told
