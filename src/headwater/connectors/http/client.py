"""Asking a source by HTTP: one request at a time, with its limits; what goes wrong comes as an error of the house.

A request that fails is sent again by itself, as `ask_again` says, so that a chunk of many answers need not begin again
for one of them; a token that is refused is renewed once. Redirects are followed on the same host only, so that no
secret goes elsewhere.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from headwater.connectors.http.auth import Secrets, Signature, signature
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.http.exact_json import below, parsed
from headwater.connectors.http.failures import mend_of_login, not_allowed, not_now, of_status, of_transport
from headwater.connectors.http.pace import PaceOf, in_process
from headwater.connectors.http.reaching import AddressesOf, Reaching, proxy_of
from headwater.connectors.protocol import Resolve
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, Stopped

T = TypeVar("T")
_REDIRECTS = 5
_SAID_BYTES = 64 * 1024
_MB = 1024 * 1024
# Where services say in JSON what was wrong: OData V4 and V2, Oracle, Workday, OAuth2, RFC 9457.
_SAID_AT = (
    ("error", "message", "value"),
    ("error", "message"),
    ("error_description",),
    ("error",),
    ("detail",),
    ("title",),
    ("message",),
)


class HttpClient:
    """A source that is reached by HTTP, as its config says. May be used by several threads."""

    def __init__(self, config: HttpConfig, resolve: Resolve) -> None:
        self._config = config
        self._secrets = Secrets(resolve)
        self._signature: Signature | None = None
        self._client: httpx.Client | None = None
        self._addresses_of: AddressesOf | None = None
        self._again: Callable[[RetryLater, int], bool] = lambda _error, _tries: False
        self._pace = in_process(_origin(config.url), config.requests_a_minute)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def keep_pace(self, pace: PaceOf) -> None:
        """Wait before each request as `pace` says: for whoever keeps rates across processes."""
        self._pace = pace(_origin(self._config.url), self._config.requests_a_minute)

    def ask_again(self, again: Callable[[RetryLater, int], bool]) -> None:
        """Send a request that failed once more where `again`, told why and how often it was sent, comes back with true;
        it waits as long as is to be waited. By itself a client sends each once.
        """
        self._again = again

    def reach_only(self, addresses_of: AddressesOf) -> None:
        """Connect to these addresses of a host and to no others, whatever its name says a moment later."""
        self.close()
        self._addresses_of = addresses_of

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def url(self, path: str = "") -> str:
        """A path below the service's own."""
        return self._config.url.rstrip("/") + ("/" + path if path else "")

    def followed(self, link: object, base: str) -> str:
        """The URL of a link in an answer from `base`. InputRefused for one that leads to another host."""
        where = _where(base)
        if not isinstance(link, str) or not link:
            raise InputRefused("the link to the next page is no URL", where=where, value=link)
        try:
            url = urljoin(base, link)
            is_same = _origin(url) == _origin(self._config.url) and urlsplit(url).username is None
        except ValueError:
            is_same = False
        if not is_same:
            raise InputRefused(
                "the link to the next page leads to another host; it is not followed",
                where=where,
                value=self._secrets.left_out(link.partition("?")[0]),
                valid=f"a link within {_origin(self._config.url)}",
                remedy="Whoever runs the source mends its links, or url is set to the host they name.",
            )
        return url

    def json(self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """What the URL answers, as JSON with exact numbers."""
        return self.answer(url, params, headers)[0]

    def answer(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, httpx.Headers]:
        """What the URL answers, as JSON with exact numbers; and the headers it came with."""
        return self._repeated(lambda: self._answer(url, params, headers))

    def _answer(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> tuple[Any, httpx.Headers]:
        asked = {"Accept": "application/json", **(headers or {})}
        with self._asked(url, params, asked) as (response, deadline):
            body = self._body(response, deadline, self._config.max_answer_mb, "max_answer_mb")
            where = _where(url)
            if not body.strip() or body.lstrip()[:1] == b"<":
                kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
                raise InputRefused(
                    "the answer is no JSON",
                    where=where,
                    value=self._secrets.left_out(kind),
                    valid="application/json",
                    remedy="See that url leads to the service and not to a page for people (a login, a proxy).",
                )
            try:
                return parsed(body, where), response.headers
            except InputRefused as error:
                raise self._clean(error) from None

    def text(self, url: str, params: Mapping[str, str] | None = None, *, accept: str) -> bytes:
        """What the URL answers, as it comes."""

        def asked() -> bytes:
            with self._asked(url, params, {"Accept": accept}) as (response, deadline):
                return self._body(response, deadline, self._config.max_answer_mb, "max_answer_mb")

        return self._repeated(asked)

    def to_file(self, url: str, params: Mapping[str, str] | None, path: Path) -> None:
        """Write what the URL answers to a file: whole, or an error is raised."""
        self._repeated(lambda: self._to_file(url, params, path))

    def _to_file(self, url: str, params: Mapping[str, str] | None, path: Path) -> None:
        with self._asked(url, params, {"Accept": "application/json"}) as (response, deadline):
            try:
                with path.open("wb") as file:
                    for block in self._blocks(response, deadline, self._config.max_file_mb, "max_file_mb"):
                        file.write(block)
            except OSError as error:
                raise Stopped(
                    f"the answer cannot be written to disk: {error.strerror}",
                    where=str(path),
                    remedy="Make room, or set TMPDIR to a folder that has it.",
                ) from error

    def _repeated(self, ask: Callable[[], T]) -> T:
        for tries in count(1):
            try:
                return ask()
            except RetryLater as error:
                if not self._again(error, tries):
                    error.tries = tries
                    raise
        raise AssertionError("it is asked until there is an answer or an error")

    @contextmanager
    def _asked(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Iterator[tuple[httpx.Response, float]]:
        """The answer, status 200, its body not read yet; and the moment by which it must be whole."""
        where = _where(url)
        with self._sorted(where):
            if self._signature is None:
                self._signature = signature(self._config.auth, self._secrets, self._post)
            for is_last in (False, True):
                header = self._signature.header()
                signed = dict(headers) if header is None else {**headers, header[0]: header[1]}
                self._pace()
                deadline = time.monotonic() + self._config.response_seconds
                with self._redirected(_with(url, params), signed) as response:
                    if response.status_code == 200:
                        yield response, deadline
                        return
                    error = of_status(response, where, self._said(response, deadline), self._config.auth)
                if response.status_code != 401 or is_last or header is None or not self._signature.renew(header[1]):
                    raise error

    @contextmanager
    def _redirected(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer after all redirects within the host."""
        client = self._opened()
        request = client.build_request("GET", url, headers=headers)
        for _ in range(_REDIRECTS + 1):
            response = client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                target = urljoin(str(response.url), response.headers["Location"])
                if _origin(target) != _origin(self._config.url):
                    raise not_allowed(
                        "the source sends us to another host; no secret goes there",
                        _where(url),
                        "protocol",
                        value=self._secrets.left_out(_origin(target)),
                        valid=f"an answer from {_origin(self._config.url)}",
                        remedy="Set url to where the service is; a login page means that auth is not accepted.",
                    )
                request = client.build_request("GET", target, headers=headers)
            finally:
                response.close()
        raise not_allowed("the source sends us around in a circle", _where(url), "protocol", remedy="Correct url.")

    def _opened(self) -> httpx.Client:
        if self._client is None:
            config = self._config
            trusted, proxy, transport = _trusted(config.ca_file), None, None
            if self._addresses_of is not None and (proxy := proxy_of(config.url)) is None:
                transport = Reaching(self._addresses_of, lambda: httpx.HTTPTransport(verify=trusted))
            self._client = httpx.Client(
                verify=trusted,
                proxy=proxy,
                transport=transport,
                timeout=httpx.Timeout(config.read_seconds, connect=config.connect_seconds),
                headers={"User-Agent": "headwater", "Accept-Encoding": "gzip"},
                follow_redirects=False,
            )
        return self._client

    @contextmanager
    def _sorted(self, where: str) -> Iterator[None]:
        """Nobody else's error leaves, and no secret in any word."""
        try:
            yield
        except httpx.HTTPError as error:
            raise self._clean(of_transport(error, where)) from None  # its request holds the secrets
        except httpx.InvalidURL:
            raise not_allowed("this is no URL", where, "config") from None
        except ValueError:
            raise not_allowed("this cannot be sent as HTTP", where, "config", valid="headers in ASCII") from None
        except HeadwaterError as error:
            raise self._clean(error) from None

    def _clean(self, error: HeadwaterError) -> HeadwaterError:
        for name in ("what", "where", "valid", "remedy", "value"):
            said = getattr(error, name)
            if isinstance(said, str):
                setattr(error, name, self._secrets.left_out(said))
        error.args = (error.what,)
        return error

    def _body(self, response: httpx.Response, deadline: float, limit_mb: float, setting: str) -> bytes:
        return b"".join(self._blocks(response, deadline, limit_mb, setting))

    def _blocks(self, response: httpx.Response, deadline: float, limit_mb: float, setting: str) -> Iterator[bytes]:
        where, length = _where(str(response.url)), 0
        for block in response.iter_bytes():
            length += len(block)
            if length > limit_mb * _MB:
                raise InputRefused(
                    "the answer is too large",
                    where=where,
                    valid=f"at most {limit_mb:g} MB ({setting})",
                    remedy=f"Ask for smaller pages or fewer columns, or raise {setting}.",
                )
            yield block
            if time.monotonic() > deadline:
                raise not_now("the answer was not whole in time (response_seconds)", where, "timeout")

    def _said(self, response: httpx.Response, deadline: float) -> str:
        """What the source says about an error, short and without secrets; "" where it says nothing in JSON."""
        body = b""
        try:
            for block in response.iter_bytes():
                body += block
                if len(body) > _SAID_BYTES or time.monotonic() > deadline:
                    return ""
            answer = parsed(body, "")
        except (httpx.HTTPError, InputRefused):
            return ""
        answer = answer[0] if isinstance(answer, list) and answer else answer
        said = next((text for at in _SAID_AT if isinstance(text := below(answer, at), str) and text.strip()), "")
        return re.sub(r"\s+", " ", self._secrets.left_out(said)).strip()[:300]

    def _post(self, url: str, headers: dict[str, str], form: dict[str, str]) -> bytes:
        """Buy a token; a redirect is not followed."""
        where = _where(url)
        with self._sorted(where):
            self._pace()
            deadline = time.monotonic() + self._config.response_seconds
            asked = {"Accept": "application/json", **headers}
            with self._opened().stream("POST", url, data=form, headers=asked) as response:
                if response.status_code == 200:
                    return self._body(response, deadline, 1, "max_answer_mb")
                error = of_status(response, where, self._said(response, deadline), self._config.auth)
                if response.status_code in {400, 401, 403}:
                    raise not_allowed(
                        f"no token is given: {error.what}",
                        where,
                        "login",
                        value=error.value,
                        remedy=mend_of_login(self._config.auth),
                    )
                raise error


def _with(url: str, params: Mapping[str, str] | None) -> str:
    """A URL with its query; a space is %20, which every server understands, `+` not."""
    if not params:
        return url
    query = urlencode(params, quote_via=quote, safe="$,()':/")
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _origin(url: str) -> str:
    """Scheme, host and port; InputRefused never, ValueError for what is no URL."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _where(url: str) -> str:
    """A URL for people: without what may hold a secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@lru_cache(maxsize=8)
def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Reading the usual authorities takes a while; they are read once a process."""
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misuse(
            "the file with trusted authorities cannot be read",
            where="ca_file",
            value=str(ca_file),
            valid="a PEM file",
            remedy=str(error.strerror or "") or None,
        ) from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
