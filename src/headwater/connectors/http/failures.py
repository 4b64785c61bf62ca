"""What goes wrong between us and an HTTP source, sorted by what the caller does next."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from headwater.connectors.http.config import ApiKeyAuth, Auth, BasicAuth, ClientCredentials, NoAuth, RefreshToken
from headwater.connectors.protocol import Cause, Problem
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater

LONGEST_WAIT = 24 * 3600.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


class NotNow(RetryLater):
    """The source does not answer as it should, and may in a while."""

    cause: Cause = "timeout"


class NotAllowed(Misuse):
    """The source will not answer until config or rights are other ones."""

    cause: Cause = "config"


def not_now(
    what: str,
    where: str,
    cause: Cause,
    *,
    value: object = None,
    after: float | None = None,
    remedy: str = "Try again later.",
) -> NotNow:
    error = NotNow(what, where=where, value=value, remedy=remedy if after is None else f"Try again after {after:g} s.")
    error.cause, error.after = cause, after
    return error


def not_allowed(
    what: str, where: str, cause: Cause, *, value: object = None, valid: str | None = None, remedy: str | None = None
) -> NotAllowed:
    error = NotAllowed(what, where=where, value=value, valid=valid, remedy=remedy)
    error.cause, error.is_unasked = cause, cause == "config"
    return error


def problem_of(error: HeadwaterError) -> Problem:
    """An error as what `validate` tells."""
    cause: Cause = "protocol"
    if isinstance(error, NotNow | NotAllowed):
        cause = error.cause
    elif isinstance(error, Misuse):
        cause = "config"
    what = error.what if error.value is None else f"{error.what} (value: {str(error.value)[:200]!r})"
    return Problem(cause=cause, what=what, where=error.where or "", valid=error.valid, remedy=error.remedy)


def of_transport(error: httpx.HTTPError, where: str) -> HeadwaterError:
    """What a library's error about a connection means, with the host and port that were asked."""
    at = _asked(error)
    if isinstance(error, httpx.ConnectTimeout):
        remedy = "Look at the network and at firewalls between, or set connect_seconds higher."
        return not_now(f"no connection to {at} in time", where, "timeout", remedy=remedy)
    if isinstance(error, httpx.TimeoutException):
        remedy = "Try again later; if it stays so, set read_seconds higher."
        return not_now(f"no answer of {at} in time", where, "timeout", remedy=remedy)
    if isinstance(error, httpx.ConnectError):
        return _of_connecting(error, where, at)
    if isinstance(error, httpx.DecodingError):
        return InputRefused("the answer is packed in a way that cannot be unpacked", where=where)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return not_allowed("this cannot be sent as HTTP", where, "config", remedy="See that no value has line breaks.")
    return not_now(f"the connection to {at} was lost before the answer was whole", where, "refused")


def _asked(error: httpx.HTTPError) -> str:
    """Host and port, and nothing else of the address: in it a secret may stand."""
    try:
        url = error.request.url
    except RuntimeError:  # it was not sent yet
        return "the host"
    return _at(url)


def _at(url: httpx.URL) -> str:
    return f"{url.host}:{url.port or {'http': 80}.get(url.scheme, 443)}"


def _who(auth: Auth) -> str:
    """Who a source was asked as, as the config says it."""
    if isinstance(auth, NoAuth):
        return "whoever has no login"
    if isinstance(auth, BasicAuth):
        return f"the user {auth.user!r}"
    if isinstance(auth, ClientCredentials | RefreshToken):
        return f"the client {auth.client_id!r}"
    return "the key" if isinstance(auth, ApiKeyAuth) else "the token"


def mend_of_login(auth: Auth) -> str:
    """What to correct where the login that the config says is refused."""
    if isinstance(auth, NoAuth):
        return "Set auth: the source asks for a login."
    if isinstance(auth, BasicAuth):
        return f"Correct auth: user, or what password_ref leads to ({auth.password_ref})."
    if isinstance(auth, RefreshToken):
        return (
            f"Correct auth: what refresh_token_ref leads to ({auth.refresh_token_ref}), client_id, or what"
            f" client_secret_ref leads to ({auth.client_secret_ref})."
        )
    if isinstance(auth, ClientCredentials):
        return f"Correct auth: client_id and scope, or what client_secret_ref leads to ({auth.client_secret_ref})."
    if isinstance(auth, ApiKeyAuth):
        return f"Correct auth: header, or what key_ref leads to ({auth.key_ref})."
    return f"Correct auth: what token_ref leads to ({auth.token_ref})."


def _of_connecting(error: httpx.ConnectError, where: str, at: str) -> HeadwaterError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return not_allowed(
                f"the certificate of {at} is not trusted: {cause.verify_message}",
                where,
                "tls",
                valid="a certificate for this host from a known authority",
                remedy="Set ca_file to the PEM file of your own authority, or mend the certificate.",
            )
        if isinstance(cause, ssl.SSLError):
            remedy = "See that the port speaks TLS 1.2 or 1.3."
            return not_allowed(f"TLS cannot be agreed on with {at}", where, "tls", remedy=remedy)
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return not_now(f"the host's name cannot be looked up just now: {at}", where, "name_not_found")
            remedy = "Correct url, or the network's names."
            return not_allowed(f"the host's name is not found: {at}", where, "name_not_found", remedy=remedy)
        if isinstance(cause, ConnectionRefusedError):
            remedy = "See that the service is up and that url has its host and port; then try again."
            return not_now(f"{at} refuses the connection: nothing listens there", where, "refused", remedy=remedy)
    remedy = "Look at the network, at firewalls between, and at the host and port of url; then try again."
    return not_now(f"nothing takes the connection to {at}", where, "refused", remedy=remedy)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def of_status(response: httpx.Response, where: str, said: str, auth: Auth) -> HeadwaterError:
    """What a status other than 200 means; `said` is what the source says itself, without secrets."""
    status = response.status_code
    words = f"the source answers {status} {response.reason_phrase}".rstrip()
    value = said or None
    if status in _PASSING:
        return not_now(
            words, where, "refused" if status != 429 else "timeout", value=value, after=retry_after(response)
        )
    if status == 401:
        return not_allowed(
            f"{_who(auth)} is refused by {_at(response.request.url)}; {words}",
            where,
            "login",
            value=value,
            remedy=mend_of_login(auth),
        )
    if status == 403:
        return not_allowed(
            f"{_who(auth)} may not read this; {words}",
            where,
            "missing_right",
            value=value,
            remedy="Ask whoever runs the source for the right to read this.",
        )
    if status in {404, 410}:
        return not_allowed(words, where, "not_found", value=value, remedy="Correct url or the name of the table.")
    return not_allowed(words, where, "protocol", value=value, valid="an answer with status 200")


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the source asks to be left alone; a date counts from the source's own clock where it tells it."""
    said = response.headers.get("Retry-After", "").strip()
    if not said:
        return None
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), LONGEST_WAIT)
    until, now = _moment(said), _moment(response.headers.get("Date", ""))
    if until is None:
        return None
    now = now or datetime.datetime.now(datetime.UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)


def _moment(text: str) -> datetime.datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
