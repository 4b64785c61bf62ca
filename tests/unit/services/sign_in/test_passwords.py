from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from headwater.errors import InputRefused
from headwater.services.sign_in import passwords

STRONG = "marsh lantern oboe quilt"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.mark.parametrize(
    "weak", ["short", "x" * 201, "password123456", "Headwater2026", "ada.lovelace1815", "\ud800 lantern oboe quilt"]
)
def test_what_is_guessed_is_refused_and_not_shown(weak: str) -> None:
    with pytest.raises(InputRefused) as refused:
        passwords.refuse_weak(weak, about=["ada.lovelace@example.org", "Ada Lovelace"])
    assert weak not in str(refused.value)
    passwords.refuse_weak(STRONG, about=["ada.lovelace@example.org"])


def test_a_password_is_right_however_its_signs_are_composed() -> None:
    kept = passwords.hashed("Zu\u0308rich lantern oboe")
    assert kept.startswith("$argon2id$")
    assert passwords.is_right("Z\u00fcrich lantern oboe", kept)
    assert not passwords.is_right("Zurich lantern oboe", kept)
    assert not passwords.is_right("x" * 201, kept)
    assert not passwords.is_right("\ud800", kept)


def test_where_there_is_no_password_as_much_is_computed() -> None:
    """What counts is not the clock but that a hash with the same parameters is verified either way."""
    verified: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override] # noqa: A002
            verified.append(str(hash))
            return super().verify(hash, password)

    passwords.HASHER = Noting(time_cost=1, memory_cost=8, parallelism=1)
    assert not passwords.is_right(STRONG, None)
    assert not passwords.is_right("nobody has this password", None)
    assert len(verified) == 2
    assert not passwords.is_outdated(verified[0])


def test_a_hash_of_lower_parameters_is_outdated() -> None:
    kept = passwords.hashed(STRONG)
    assert not passwords.is_outdated(kept)
    passwords.HASHER = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    assert passwords.is_outdated(kept)
    assert passwords.is_right(STRONG, kept)
