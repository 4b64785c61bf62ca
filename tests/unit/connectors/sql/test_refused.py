"""A login that is refused is told in our words, with who asked whom; a server's own words follow where they add any."""

from __future__ import annotations

import pytest

from headwater.connectors.sql.refused import Login

LOGIN = Login(
    server="db:5432",
    user="reader",
    asked="the database 'plant'",
    where="db:5432/plant",
    secret=("password_ref", "stored:plant-password"),
)


def test_a_refused_user_is_named_with_what_to_correct() -> None:
    found = LOGIN.problem("login", 'password authentication failed for user "reader"', {})
    assert found.what == "the user 'reader' is refused by db:5432"
    assert found.remedy == "Correct `user`, or what `password_ref` leads to (stored:plant-password)"


def test_what_the_server_adds_comes_after_our_words() -> None:
    said = 'no pg_hba.conf entry for host "10.0.0.1", user "reader", no encryption'
    found = LOGIN.problem("login", said, {})
    assert found.what == f"the user 'reader' is refused by db:5432; what came back: {said}"


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("not_found", "db:5432 does not know the database 'plant'"),
        ("missing_right", "the user 'reader' may not use the database 'plant' on db:5432"),
        ("tls", "no connection to db:5432 can be made that both sides trust (TLS)"),
        ("timeout", "db:5432 does not answer in time"),
        ("protocol", "no session is to be had of db:5432"),
    ],
)
def test_each_cause_has_its_sentence(cause: str, told: str) -> None:
    found = LOGIN.problem(cause, "", {"not_found": "Check it"})  # type: ignore[arg-type]
    assert (found.cause, found.what) == (cause, told)
    assert found.remedy == ("Check it" if cause == "not_found" else None)


def test_who_sends_no_secret_is_told_so() -> None:
    alone = Login(server="db:5432", user="reader", asked="", where="", secret=None)
    assert alone.problem("login", "", {}).remedy == "Correct `user`, or set `password_ref`: no password is sent"
    token = Login(server="db:443", user=None, asked="", where="", secret=("token_ref", "env:T"))
    found = token.problem("login", "", {})
    assert (found.what, found.remedy) == (
        "the token is refused by db:443",
        "Correct what `token_ref` leads to (env:T)",
    )
