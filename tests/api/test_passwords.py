"""Passwords over HTTP: changed by whoever knows the one there is; forgotten, and set anew by a link that is mailed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headwater.services.sign_in.links import PATH
from headwater.store import audit
from tests.api.conftest import Api, serving
from tests.api.test_sign_in import ANOTHER, PASSWORD, SESSION, WEAK, Browser, hardened, invited, signed_in
from tests.mailbox import Mailbox, mail_server
from tests.planted import planted

pytestmark = pytest.mark.server
THIRD = planted("walnut pier copper hymn")


def test_a_password_is_changed_by_whoever_knows_it(api: Api) -> None:
    browser, other = Browser(api.url), Browser(api.url)
    person, email = signed_in(api, browser)
    other.get("/sign-in")
    other.send("/sign-in", organisation="default", email=email, password=PASSWORD)
    browser.get("/account")
    for old, new, status, field in ((ANOTHER, THIRD, 401, "old"), (PASSWORD, WEAK, 422, "new")):
        refused = browser.send("/account/password", old=old, new=new)
        assert (refused.status_code, f'id="{field}-error"' in refused.text) == (status, True), refused.text
    changed = browser.send("/account/password", old=PASSWORD, new=ANOTHER)
    assert (changed.status_code, changed.headers["location"]) == (303, "/account?done=password"), changed.text
    assert "The password is changed" in browser.get(changed.headers["location"]).text
    assert other.get("/account").headers["location"] == "/sign-in"
    with api.database.database.connect(api.tenants["default"]) as connection:
        entries = [each for each in audit.entries(connection, api.tenants["default"]) if each.actor.endswith(person)]
    assert (entries[-1].action, '"sessions_ended":1' in entries[-1].payload.replace(" ", "")) == (
        "password.changed",
        True,
    )
    for _ in range(5):
        browser.send("/account/password", old=PASSWORD, new=THIRD)
    locked = browser.send("/account/password", old=ANOTHER, new=THIRD)
    assert (locked.status_code, "too many attempts" in locked.text.lower()) == (429, True), locked.text
    for each in (browser, other):
        for answer in each.answers:
            hardened(answer)
        each.http.close()


def test_a_link_is_mailed_to_who_is_known_and_the_answer_tells_nobody(api: Api, tmp_path: Path) -> None:
    browser, box = Browser(api.url), Mailbox()
    _, email = signed_in(api, browser)
    browser.http.close()
    with mail_server(box) as port:
        settings = {"HOST": "localhost", "PORT": str(port), "FROM": "headwater@example.org", "SECURITY": "none"}
        log, said = tmp_path / "server.log", {f"HEADWATER_SMTP_{name}": value for name, value in settings.items()}
        with serving(api.database, api.river.folder, log, "--no-worker", **said) as url:
            asking = Browser(url)
            assert 'href="/sign-in/forgotten"' in asking.get("/sign-in").text

            def asked(organisation: str, who: str) -> tuple[int, str, str]:
                asking.get("/sign-in/forgotten")
                answer = asking.send("/sign-in/forgotten", organisation=organisation, email=who)
                return answer.status_code, answer.headers["location"], answer.text

            answers = {asked("default", who) for who in ("nobody@example.org", "no\0body", email.upper(), email)}
            assert answers == {(303, "/sign-in?organisation=default&done=asked", "")}
            assert asked("no such", email)[0] == 303
            assert "is on its way" in asking.get("/sign-in?organisation=default&done=asked").text
            assert box.came.wait(60), log.read_text()
            mail = box.read()
            text = mail.get_content()
            assert (mail["To"], mail["Subject"]) == (email, "[Headwater] Another password (default)")
            link = re.search(rf"^{url}({PATH}hwl_\S+)\s", text, re.MULTILINE)
            assert link is not None, "the link begins with where the server is found"
            assert "Set another password" in asking.get(link[1]).text
            assert asking.send(link[1], password=ANOTHER).headers["location"].endswith("done=password")
            assert asking.get(link[1]).status_code == 401
            asking.get("/sign-in")
            asking.send("/sign-in", organisation="default", email=email, password=ANOTHER)
            assert SESSION in asking.http.cookies
            assert asked("default", email)[0] == 303
            for answer in asking.answers:
                hardened(answer)
            asking.http.close()
    assert len(box.taken) == 1, "one for all who asked, and none for nobody"
    assert link[1].rpartition("_")[2] not in log.read_text()


def test_where_no_mail_is_sent_the_page_says_whom_to_ask(api: Api) -> None:
    _, email, _ = invited(api)
    browser = Browser(api.url)
    shown = browser.get("/sign-in/forgotten")
    assert "Ask whoever administrates your organisation" in shown.text
    assert "<form" not in shown.text
    assert "Ask whoever administrates your organisation" in browser.get("/sign-in").text
    refused = browser.send("/sign-in/forgotten", organisation="default", email=email)
    assert (refused.status_code, "no server for e-mail is set" in refused.text.lower()) == (422, True), refused.text
    for answer in browser.answers:
        hardened(answer)
    browser.http.close()
