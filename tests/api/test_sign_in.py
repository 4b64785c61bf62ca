"""How people come in over HTTP, by a browser without scripts: links, passwords, sessions, tokens of their own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from headwater.contracts import Document
from headwater.services.sign_in.by_oidc import CALLBACK
from headwater.services.sign_in.links import PATH
from tests.api.conftest import OTHER, Api, serving
from tests.planted import planted
from tests.servers import TestServer
from tests.servers_oidc import PUBLIC_URL, SECRET, browse, oidc_provider

pytestmark = pytest.mark.server
PASSWORD = planted("marsh lantern oboe quilt")
ANOTHER = planted("kettle orbit fjord mosaic")
WEAK = "headwater1"
PROOF = re.compile(r'name="proof" value="([0-9a-f]{64})"')
SESSION = "headwater_session"


class Browser:
    """Forms and cookies as a browser has them; it says of each request whether a page of its own makes it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.page = ""
        self.answers: list[httpx.Response] = []

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self._shown(self.http.get(path, **more))

    def send(self, path: str, *, site: str = "same-origin", **fields: Any) -> httpx.Response:
        """A form of the page at hand."""
        proof = PROOF.search(self.page)
        headers = {"Origin": "null", "Sec-Fetch-Site": site}  # as pages without a referrer send it
        data = {"proof": proof[1] if proof else "", **fields}
        return self._shown(self.http.post(path, data=data, headers=headers))

    def _shown(self, answer: httpx.Response) -> httpx.Response:
        self.answers.append(answer)
        if PROOF.search(answer.text):
            self.page = answer.text
        return answer


@pytest.fixture
def browser(api: Api) -> Iterator[Browser]:
    made = Browser(api.url)
    yield made
    for answer in made.answers:
        hardened(answer)
    made.http.close()


def hardened(answer: httpx.Response) -> None:
    """What holds for every answer, and every page."""
    told = answer.headers
    assert (told["referrer-policy"], told["cache-control"]) == ("no-referrer", "no-store"), answer.url
    assert (told["x-content-type-options"], told["x-frame-options"]) == ("nosniff", "DENY"), answer.url
    policy = told["content-security-policy"]
    assert "unsafe" not in policy
    for cookie in told.get_list("set-cookie"):
        assert "HttpOnly" in cookie, cookie
        assert "SameSite=lax" in cookie, cookie
    if answer.text and told["content-type"].startswith("text/html"):
        assert policy.startswith("default-src 'self'; script-src 'none'")
        page = answer.text
        assert page.count("<h1>") == 1
        assert '<html lang="en">' in page
        assert "<script" not in page
        assert "style=" not in page
        for name in re.findall(r'<input id="(\w+)"', page):
            assert f'<label for="{name}">' in page


def invited(api: Api, organisation: str = "default", role: str = "data_analyst") -> tuple[str, str, str]:
    """Somebody's id and address, and the path of their link."""
    email = f"{uuid.uuid4().hex}@example.org"
    with api.client("admin", organisation) as client:
        sent = client.post("/people", json={"email": email, "name": "Ann Lee", "role": role})
        person = sent.json()["person_id"]
        return person, email, reached(client.post(f"/people/{person}/links").json()["url"], api)


def reached(url: str, api: Api) -> str:
    assert url.startswith(api.url + PATH), "links begin with where the server listens"
    return url.removeprefix(api.url)


def signed_in(api: Api, browser: Browser, **more: str) -> tuple[str, str]:
    """Somebody's id and address, who has just accepted an invitation."""
    person, email, link = invited(api, **more)
    browser.get(link)
    assert browser.send(link, password=PASSWORD).status_code == 303
    return person, email


def test_an_invited_person_comes_in_by_their_link_and_works_by_session_and_token(api: Api, browser: Browser) -> None:
    person, email, link = invited(api)
    for _ in range(3):  # as scanners of mail do
        opened = browser.get(link)
    assert (opened.status_code, "Come in to default" in opened.text) == (200, True), opened.text
    refused = browser.send(link, name="<Ann & Lee>", password=WEAK)
    assert refused.status_code == 422
    assert re.search(r'id="password-error".*too easy to guess', refused.text), refused.text
    assert 'aria-invalid="true" aria-describedby="password-hint password-error"' in refused.text
    assert 'value="&lt;Ann &amp; Lee&gt;"' in refused.text
    assert WEAK not in refused.text
    come_in = browser.send(link, name="Ann Lee", password=PASSWORD)
    assert (come_in.status_code, come_in.headers["location"]) == (303, "/account"), come_in.text
    (cookie,) = come_in.headers.get_list("set-cookie")
    assert cookie.startswith(f"{SESSION}=hws_")
    assert cookie.split("; ")[1:] == ["HttpOnly", "Path=/", "SameSite=lax"]
    mine = browser.get("/account")
    assert "Signed in as Ann Lee" in mine.text
    assert email in mine.text

    again = browser.get(link)
    assert (again.status_code, "was used, has expired" in again.text) == (401, True)
    browser.get("/account")
    assert browser.send(link, password=ANOTHER).status_code == 401

    nothing = browser.send("/account/tokens", name="notebook", days="7")
    assert (nothing.status_code, 'value="notebook"' in nothing.text) == (422, True)
    assert 'id="scopes-error"' in nothing.text
    assert 'id="days-error"' in browser.send("/account/tokens", name="n", days="9999999", scopes="read").text
    beyond = browser.send("/account/tokens", name="n", scopes="manage_users")
    assert beyond.status_code == 403
    browser.get("/account")
    made = browser.send("/account/tokens", name="notebook", days="7", scopes=["read", "write"])
    token = re.search(r"hwt_[\w-]+", made.text)
    assert token is not None, made.text
    with_token = httpx.get(f"{api.url}/api/v1/organisation", headers={"Authorization": f"Bearer {token[0]}"})
    assert with_token.json()["rights"] == ["read", "write"]
    with_cookie = browser.get("/api/v1/organisation")
    assert with_cookie.json()["rights"] == ["query", "read", "transform", "write"]
    assert with_cookie.json()["actor"] == f"person/{person}"
    shown = browser.get("/account")
    assert "notebook" in shown.text
    assert token[0] not in shown.text
    ended = re.search(r'action="(/account/tokens/[^"]+)"', shown.text)
    assert ended is not None
    assert browser.send(ended[1]).status_code == 303
    gone = httpx.get(f"{api.url}/api/v1/organisation", headers={"Authorization": f"Bearer {token[0]}"})
    assert gone.status_code == 401
    for secret in (link.removeprefix(PATH), token[0], browser.http.cookies[SESSION]):
        assert secret.split("_", 3)[-1] not in api.log.read_text()


def test_a_session_writes_from_pages_of_the_installation_only(api: Api, browser: Browser) -> None:
    person, _ = signed_in(api, browser)
    body = {"name": f"Unit {uuid.uuid4()}", "kind": "site"}
    path = f"/api/v1/people/{person}/sessions"
    for headers in (
        {},
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": api.url.replace("http:", "https:")},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": api.url},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example.org"},
    ):
        refused = browser.http.delete(path, headers=headers)
        assert (refused.status_code, refused.json()["field"]) == (403, "Origin"), headers
    for headers in ({"Origin": api.url}, {"Sec-Fetch-Site": "same-origin"}):
        assert browser.http.delete(path, headers=headers).json() == {"ended": 0}
    lacking = browser.http.post("/api/v1/units", json=body, headers={"Origin": api.url})
    assert (lacking.status_code, lacking.json()["value"]) == (403, "manage_users")
    with api.client("admin", Origin="https://evil.example.org") as program:  # a token goes with nothing by itself
        assert program.post("/units", json=body).status_code == 201
        assert program.get("/organisation", headers={"Cookie": f"{SESSION}=hws_x"}).status_code == 200
    token = api.tokens["default", "admin"]
    told = httpx.get(f"{api.url}/api/v1/organisation", headers={"Cookie": f"{SESSION}={token}"})
    assert told.status_code == 401  # a token is no session


def test_a_form_is_taken_from_the_page_that_was_made_for_this_browser(api: Api, browser: Browser) -> None:
    _, _, link = invited(api)
    browser.get(link)
    other = Browser(api.url)
    other.get("/sign-in")
    theirs = PROOF.search(other.page)
    assert theirs is not None
    for refused in (
        browser.send(link, site="cross-site", password=PASSWORD),
        browser.http.post(link, data={"password": PASSWORD}),
        browser.http.post(link, data={"password": PASSWORD, "proof": theirs[1]}),
        browser.http.post(
            link, data={"password": PASSWORD, "proof": theirs[1]}, headers={"Origin": "https://evil.org"}
        ),
    ):
        assert (refused.status_code, "opened here for you" in refused.text) == (403, True)
    signed_in(api, other)
    for path in ("/sign-out", "/account/tokens", "/account/sessions/end", f"/account/sessions/{uuid.uuid4()}/end"):
        assert other.http.post(path, data={"proof": theirs[1]}).status_code == 403, path
    assert other.http.post("/sign-out", json={}).status_code == 415
    assert other.get("/account").status_code == 200
    browser.get(link)
    assert browser.http.post(link, data={"proof": PROOF.findall(browser.page)[0], "password": PASSWORD}).is_redirect
    other.http.close()


def test_signing_in_tells_nobody_what_is_wrong_and_locks_an_address_that_is_tried(api: Api, browser: Browser) -> None:
    _, email = signed_in(api, browser)
    browser.get("/account")
    left = browser.send("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in?done=signed-out")
    wrong = []
    for organisation, who in (("default", email), ("default", "nobody@example.org"), (OTHER, email), ("no\0", "x")):
        browser.get("/sign-in", params={"organisation": organisation})
        told = browser.send("/sign-in", organisation=organisation, email=who, password=ANOTHER)
        assert (told.status_code, ANOTHER in told.text) == (401, False)
        wrong.append(re.search(r'role="alert">(.*)</p>', told.text))
    assert len({each[1] for each in wrong if each}) == 1
    assert f'value="{email}"' in browser.send("/sign-in", organisation="default", email=email, password="x").text
    back = browser.send("/sign-in", organisation="default", email=email.upper(), password=PASSWORD)
    assert (back.status_code, browser.get("/account").status_code) == (303, 200), back.text
    assert browser.get("/sign-in").headers["location"] == "/account"

    other = Browser(api.url)
    other.get("/sign-in")
    for _ in range(5):
        last = other.send("/sign-in", organisation="default", email=email, password=ANOTHER)
    assert last.status_code == 401
    locked = other.send("/sign-in", organisation="default", email=email, password=PASSWORD)
    assert (locked.status_code, "too many attempts" in locked.text.lower()) == (429, True), locked.text
    assert 0 < int(locked.headers["retry-after"]) <= 30
    assert browser.get("/account").status_code == 200  # sessions go on
    other.http.close()


def test_sessions_are_listed_and_ended(api: Api, browser: Browser) -> None:
    person, email = signed_in(api, browser)
    first = browser.http.cookies[SESSION]
    others = [Browser(api.url) for _ in range(2)]
    for other in others:
        other.get("/sign-in")
        other.send("/sign-in", organisation="default", email=email, password=PASSWORD)
    shown = browser.get("/account").text
    assert "End all other sessions (2)" in shown
    assert "invitation" in shown
    one = re.search(r'action="(/account/sessions/[0-9a-f-]+/end)"', shown)
    assert one is not None
    assert browser.send(one[1]).status_code == 303
    assert browser.send(one[1]).status_code == 404
    browser.get("/account")
    assert browser.send("/account/sessions/end").status_code == 303
    for other in others:
        sent_on = other.get("/account")
        assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/sign-in")
        other.http.close()
    with api.client("admin") as client:
        reset = reached(client.post(f"/people/{person}/links").json()["url"], api)
    assert "Set another password" in browser.get(reset).text
    done = browser.send(reset, password=ANOTHER)
    assert done.headers["location"] == "/sign-in?organisation=default&done=password"
    assert browser.get("/account").headers["location"] == "/sign-in"
    assert "The password is set" in browser.get(done.headers["location"]).text
    browser.send("/sign-in", organisation="default", email=email, password=ANOTHER)
    kept = browser.http.cookies[SESSION]
    browser.get("/account")
    left = browser.send("/sign-out")
    assert f'{SESSION}=""' in left.headers["set-cookie"]
    for ended in (first, kept):
        for path in ("/account", "/api/v1/organisation"):
            told = httpx.get(f"{api.url}{path}", headers={"Cookie": f"{SESSION}={ended}"})
            assert told.status_code in {303, 401}, path


def test_a_link_leads_into_its_own_organisation_only(api: Api, browser: Browser) -> None:
    _, _, theirs = invited(api, organisation=OTHER)
    ours = api.tenants["default"].hex
    moved = theirs.replace(api.tenants[OTHER].hex, ours)
    for wrong in (moved, theirs[:-2] + "AA", PATH + "hwl_x", PATH + api.tokens["default", "admin"]):
        told = browser.get(wrong)
        assert (told.status_code, "does not work" in told.text) == (401, True), wrong
    assert f"Come in to {OTHER}" in browser.get(theirs).text
    browser.send(theirs, password=PASSWORD)
    assert browser.get("/api/v1/organisation").json()["organisation"] == OTHER
    there_is_no_provider = [
        browser.get(path).status_code for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=x")
    ]
    assert there_is_no_provider == [422, 422]
    assert browser.get("/sign-in/style.css").headers["content-type"].startswith("text/css")


def test_a_fresh_server_prints_the_first_link_and_where_it_listens(
    server: TestServer, documents: tuple[Document, ...], tmp_path: Path
) -> None:
    database, log = server.upgraded(documents), tmp_path / "server.log"
    with serving(database, tmp_path, log, "--no-worker", "--root-path", "/app") as url:
        printed = re.search(r"^(http\S+/sign-in/link/hwl_\S+)$", log.read_text(), re.MULTILINE)
        assert printed is not None, log.read_text()
        assert printed[1].startswith(f"{url}/app{PATH}")
        browser = Browser(url)
        link = printed[1].removeprefix(f"{url}/app")  # as the proxy sends it on
        page = browser.get(link)
        assert f'action="/app{link}"' in page.text
        assert 'href="/app/sign-in/style.css"' in page.text
        (kept,) = browser.http.cookies.jar
        assert kept.path == "/app"
        browser.http.headers["Cookie"] = f"{kept.name}={kept.value}"  # which the proxy sends on too
        missing = browser.send(link, name="Ada", password=PASSWORD)
        assert (missing.status_code, 'id="email-error"' in missing.text) == (422, True)
        wrong = browser.send(link, email="nobody", name="Ada", password=PASSWORD)
        assert (wrong.status_code, 'value="nobody"' in wrong.text) == (422, True)
        come_in = browser.send(link, email="ada@example.org", name="Ada", password=PASSWORD)
        assert come_in.headers["location"] == "/app/account"
        assert "Path=/app" in come_in.headers["set-cookie"]
        session = {"Cookie": f"{SESSION}={come_in.cookies[SESSION]}"}
        assert "manage_users" in httpx.get(f"{url}/api/v1/organisation", headers=session).json()["rights"]
        browser.http.close()
        assert f"listening on {url}/app" in log.read_text()
    server.drop(database)


@pytest.fixture(scope="module")
def offered(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server at which people sign in by a provider too, which knows it as PUBLIC_URL."""
    folder = tmp_path_factory.mktemp("oidc")
    with oidc_provider() as provider:
        said = {"ISSUER": provider.url, "CLIENT_ID": "headwater", "CLIENT_SECRET": "env:OIDC_SECRET"}
        settings = {f"HEADWATER_OIDC_{name}": value for name, value in said.items()}
        settings |= {"OIDC_SECRET": SECRET, "HEADWATER_PUBLIC_URL": PUBLIC_URL}
        with serving(api.database, api.river.folder, folder / "server.log", "--no-worker", **settings) as url:
            yield url


def come_back(browser: Browser, begun: str, login: str) -> httpx.Response:
    """Through the provider's forms, and back with what it says."""
    return browser.get(CALLBACK, params=browse(begun, login))


def test_people_sign_in_by_the_provider_of_their_organisation(api: Api, offered: str) -> None:
    _, email, _ = invited(api)
    browser, other = Browser(offered), Browser(offered)
    assert 'href="/sign-in/oidc"' in browser.get("/sign-in").text
    begun = browser.get("/sign-in/oidc")
    (cookie,) = begun.headers.get_list("set-cookie")
    assert cookie.startswith("headwater_oidc=")
    assert cookie.split("; ")[1:] == ["HttpOnly", "Max-Age=600", f"Path={CALLBACK}", "SameSite=lax"]
    answer = browse(begun.headers["location"], email)
    stolen = other.get(CALLBACK, params=answer)
    assert (stolen.status_code, "has not begun to sign in" in stolen.text) == (401, True)
    come_in = browser.get(CALLBACK, params=answer)
    assert come_in.headers["location"] == "/account", come_in.text
    assert f"<b>{email}</b>" in browser.get("/account").text
    used = browser.get(CALLBACK, params=answer)
    assert used.status_code == 401
    stranger = come_back(other, other.get("/sign-in/oidc").headers["location"], "nobody@example.org")
    assert (stranger.status_code, "nor was invited" in stranger.text) == (401, True)
    for each in (*browser.answers, *other.answers):
        hardened(each)
    browser.http.close()
    other.http.close()


def test_an_account_of_the_provider_is_linked_by_a_form_of_whoever_is_signed_in(api: Api, offered: str) -> None:
    browser, other, login = Browser(offered), Browser(offered), f"unverified-{uuid.uuid4().hex}"
    _, _, link = invited(api)
    browser.get(link)
    browser.send(link, password=PASSWORD)
    lured = browser.get("/sign-in/oidc").headers["location"]  # as any page may have a browser do
    assert come_back(browser, lured, login).status_code == 401
    mine = browser.get("/account").text
    leads = re.search(r'href="(http[^"]+)"', browser.send("/sign-in/oidc").text)
    assert leads is not None
    assert come_back(browser, leads[1].replace("&amp;", "&"), login).headers["location"] == "/account"
    came = come_back(other, other.get("/sign-in/oidc").headers["location"], login)
    assert came.headers["location"] == "/account", came.text
    signed_in_as = re.compile(r"You are signed in as <b>(.*)</b>")
    assert signed_in_as.findall(other.get("/account").text) == signed_in_as.findall(mine)
    browser.http.close()
    other.http.close()
