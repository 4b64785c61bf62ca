"""Keys of organisations and people: a field opens for its person only, and keys change without any field changing."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from headwater.errors import NotFound, Stopped
from headwater.services.access.keys import Keyring, encrypt_again, keyring, rotate
from headwater.services.installation import Installation
from headwater.services.verification import verify
from headwater.store import organisation_keys as stored
from headwater.store.tenants import tenant_id
from headwater.telemetry import SilentProgress
from tests.river import River

K1 = "k1:" + base64.b64encode(b"1" * 32).decode()
K2 = "k2:" + base64.b64encode(b"2" * 32).decode()

pytestmark = pytest.mark.server


def with_keys(river: River, text: str) -> Installation:
    """The same installation as a process sees it that was started with these keys."""
    settings = river.installation.settings.model_copy(update={"credentials_keys": SecretStr(text)})
    return replace(river.installation, settings=settings)


def somebody(river: River) -> UUID:
    person_id = uuid4()
    river.change(
        "INSERT INTO people (tenant_id, person_id, state) VALUES (%(tenant)s, %(person)s, 'invited')",
        tenant=river.installation.tenant_id, person=person_id,
    )  # fmt: skip
    return person_id


def test_a_field_opens_for_its_person_and_column_and_keys_change_below_it(river: River) -> None:
    old, both, new = with_keys(river, K1), with_keys(river, f"{K2},{K1}"), with_keys(river, K2)
    ann, bob = somebody(river), somebody(river)
    with old.database.connect(old.tenant_id) as connection:
        keys = keyring(old, connection)
        of_ann = keys.make(ann)
        of_bob = keys.make(bob)
        sealed = of_ann.encrypt("email", "ann@example.org")
        assert sealed != of_ann.encrypt("email", "ann@example.org")
        index = keys.index("email", "ann@example.org")
        assert index != keys.index("subject", "ann@example.org")
        assert b"ann" not in sealed
        for key, field in ((of_bob, "email"), (of_ann, "name")):
            with pytest.raises(Stopped, match="changed or moved"):
                key.decrypt(field, sealed)
        with pytest.raises(Stopped, match="changed or moved"):
            of_ann.decrypt("email", sealed[:9])
        assert "1111" not in repr(keys) + repr(of_ann)
        assert of_ann.key.hex() not in repr(of_ann)

    with both.database.connect(both.tenant_id) as reading:
        before = keyring(both, reading)
        assert (encrypt_again(both), encrypt_again(both)) == (1, 0)
        assert rotate(both) == (0, 2)
        # Who has read the organisation's keys before there was a new one reads on.
        assert before.of(ann).decrypt("email", sealed) == "ann@example.org"
    assert rotate(both) == (0, 2)
    with new.database.connect(new.tenant_id) as connection:
        keys = keyring(new, connection)
        assert keys.of(ann).decrypt("email", sealed) == "ann@example.org"
        assert keys.index("email", "ann@example.org") == index
        assert (keys.newest, {key.wrapped_by for key in stored.list_person_keys(connection, new.tenant_id)}) == (3, {3})
    with (
        pytest.raises(Stopped, match="which is not known here") as refused,
        old.database.connect(old.tenant_id) as again,
    ):
        keyring(old, again)
    assert "encrypted by the key k2" in refused.value.what
    assert refused.value.what.endswith("known are: k1")
    assert verify(new, progress=SilentProgress()).ok


def test_another_organisation_has_other_keys_and_erasing_leaves_none(river: River, other: Installation) -> None:
    ours, ann = river.installation, somebody(river)
    with ours.database.connect(ours.tenant_id) as here, other.database.connect(other.tenant_id) as there:
        keys, foreign = keyring(ours, here), keyring(other, there)
        assert keys.index("email", "ann@example.org") != foreign.index("email", "ann@example.org")
        sealed = keys.make(ann).encrypt("email", "ann@example.org")
        here.commit()
        with pytest.raises(NotFound):
            foreign.of(ann)
        assert keys.of(ann).decrypt("email", sealed) == "ann@example.org"
        assert stored.remove_person_key(here, ours.tenant_id, ann)
        with pytest.raises(NotFound, match="erased"):
            keys.of(ann)
        assert keys.of_everybody() == {}


@pytest.fixture
def other(river: River) -> Installation:
    """The same installation, opened for another organisation."""
    other_id = tenant_id("other")
    river.change("INSERT INTO tenants (tenant_id, name) VALUES (%(tenant)s, 'other')", tenant=other_id)
    return replace(river.installation, tenant_id=other_id)


def test_the_first_key_is_one_though_many_begin_at_once(river: River) -> None:
    ours = river.installation
    with ours.database.connect(ours.tenant_id) as first:
        one = keyring(ours, first)

        def begin() -> Keyring:
            with ours.database.connect(ours.tenant_id) as second:
                return keyring(ours, second)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(begin)
            first.commit()
            assert waiting.result().index("email", "x") == one.index("email", "x")
