"""Why a database gives no session: a sentence of ours that names who asked whom, then what the server itself adds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.connectors.protocol import Cause, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

# What servers say that is in our sentence already.
_REPEATED = re.compile(
    r'(?:password authentication failed for user ".*"|database ".*" does not exist'
    r"|Unknown database '.*'|Incorrect username or password was specified)\.?"
)


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who asked whom, as the config says it.

    server  host and port, or the account
    user    None where a token alone says who asks
    asked   what the session was to be for: "the database 'plant'"
    where   for messages
    secret  the key of the config and the reference in it; None where no secret is sent
    """

    server: str
    user: str | None
    asked: str
    where: str
    secret: tuple[str, str] | None

    def problem(self, cause: Cause, said: str, remedies: Mapping[Cause, str], *, remedy: str | None = None) -> Problem:
        """Why there is no session; `said` is the server's or the driver's message without secrets, "" for none.

        remedy: of what the server says in particular, instead of that of the cause
        """
        told = "" if _REPEATED.fullmatch(said) else said
        what = self._what(cause)
        return Problem(
            cause=cause,
            what=f"{what}; what came back: {told}" if told else what,
            where=self.where,
            remedy=remedy or (self._remedy() if cause == "login" else remedies.get(cause)),
        )

    def _what(self, cause: Cause) -> str:
        who = "the token" if self.user is None else f"the user {self.user!r}"
        told: dict[Cause, str] = {
            "login": f"{who} is refused by {self.server}",
            "missing_right": f"{who} may not use {self.asked} on {self.server}",
            "not_found": f"{self.server} does not know {self.asked}",
            "tls": f"no connection to {self.server} can be made that both sides trust (TLS)",
            "timeout": f"{self.server} does not answer in time",
            "refused": f"{self.server} takes no connection",
            "name_not_found": f"the host's name is not found: {self.server}",
        }
        return told.get(cause, f"no session is to be had of {self.server}")

    def _remedy(self) -> str:
        if self.secret is None:
            return "Correct `user`, or set `password_ref`: no password is sent"
        key, reference = self.secret
        named = f"what `{key}` leads to ({reference})"
        return f"Correct {named}" if self.user is None else f"Correct `user`, or {named}"
