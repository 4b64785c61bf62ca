from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from headwater.errors import Forbidden, InputRefused, RetryLater, Unauthenticated
from headwater.services.sign_in import passwords
from headwater.services.sign_in.by_password import change_password, sign_in
from headwater.services.sign_in.sessions import list_sessions
from headwater.services.sign_in.tokens import create_personal
from headwater.store.sign_in import FREE_ATTEMPTS
from tests.integration.sign_in.conftest import ADMIN, HERE, PASSWORD, Scene

pytestmark = pytest.mark.server
WRONG = "amber ferry gravel quilt"


def refusal(scene: Scene, email: str, password: str = WRONG, organisation: str | None = None) -> str:
    with pytest.raises((Unauthenticated, RetryLater)) as refused:
        sign_in(scene.installation, organisation or scene.name, email, password, HERE)
    return f"{type(refused.value).__name__}: {refused.value}"


def test_whether_an_address_is_known_does_not_show(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override] # noqa: A002
            verified.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Noting(time_cost=1, memory_cost=8, parallelism=1))
    for _ in range(FREE_ATTEMPTS):
        assert refusal(scene, ADMIN) == refusal(scene, "nobody@example.org")
    assert len(verified) == 2 * FREE_ATTEMPTS
    assert refusal(scene, ADMIN) == refusal(scene, "nobody@example.org", PASSWORD) == refusal(scene, ADMIN, PASSWORD)
    assert "RetryLater" in refusal(scene, ADMIN)
    assert refusal(scene, ADMIN, organisation="elsewhere").startswith("Unauthenticated")
    told = [entry for entry in scene.audited() if entry[1] == "sign_in.password"]
    assert [result for _, _, result, _ in told].count("failed") == 2 * FREE_ATTEMPTS
    assert [result for _, _, result, _ in told].count("refused") == 4
    assert {actor for actor, _, _, _ in told} == {"nobody"}
    assert "example.org" not in str(told)
    assert "192.0.2.7" not in str(told)

    # Once the lock is over the password opens again, and the count begins anew.
    scene.change("UPDATE sign_in_failures SET locked_until = now()")
    sign_in(scene.installation, scene.name, ADMIN, PASSWORD)
    assert "Unauthenticated" in refusal(scene, ADMIN)


def test_each_lock_is_twice_as_long_and_many_at_once_are_no_way_round_it(scene: Scene) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: refusal(scene, ADMIN)[:5], range(12)))
    assert answers.count("Unaut") == FREE_ATTEMPTS
    locks = []
    for _ in range(7):
        query = "SELECT extract(epoch FROM locked_until - last_at) AS s FROM sign_in_failures"
        locks += [round(row["s"]) for row in scene.rows(query)]
        scene.change("UPDATE sign_in_failures SET locked_until = now()")
        refusal(scene, ADMIN)
    assert locks == [30, 60, 120, 240, 480, 900, 900]


def test_a_password_is_hashed_anew_when_the_parameters_have_risen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    sign_in(scene.installation, scene.name, ADMIN, PASSWORD)
    (row,) = scene.rows("SELECT hash FROM passwords")
    assert "$m=16,t=2,p=1$" in row["hash"]
    sign_in(scene.installation, scene.name, ADMIN, PASSWORD)
    assert scene.rows("SELECT hash FROM passwords") == [row]


def test_another_password_ends_all_sessions_but_the_one_that_set_it(scene: Scene) -> None:
    other = sign_in(scene.installation, scene.name, ADMIN, PASSWORD)
    acting = scene.acting()
    with pytest.raises(Unauthenticated, match="not the one there is"):
        change_password(acting, WRONG, WRONG)
    with pytest.raises(InputRefused):
        change_password(acting, PASSWORD, "password123456")
    token = scene.acting(create_personal(acting, "script").text)
    with pytest.raises(Forbidden):
        change_password(token, PASSWORD, WRONG)
    change_password(acting, PASSWORD, WRONG)
    with pytest.raises(Unauthenticated):
        scene.acting(other.text)
    assert [each.is_this for each in list_sessions(scene.acting())] == [True]
    assert "Unauthenticated" in refusal(scene, ADMIN, PASSWORD)
    sign_in(scene.installation, scene.name, ADMIN, WRONG)
    scene.change("UPDATE people SET state = 'suspended'")
    assert "do not belong together" in refusal(scene, ADMIN, WRONG)
