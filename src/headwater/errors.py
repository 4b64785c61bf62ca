"""Every error Headwater raises, sorted by what the caller does next.

    HeadwaterError
    ├── RetryLater      what failed may pass by itself: try the same call again
    ├── InputRefused    the input cannot be read or trusted: nothing of it was loaded; mend the input
    ├── Stopped         the installation or its evidence is not fit to go on: a person must look
    └── Misuse          the call, the settings or a document is wrong: correct it and call again
        ├── NotFound    what is named is not there, or is another organisation's: nobody can tell which
        ├── Conflict    it was changed meanwhile, or is taken: look again, then decide
        ├── Forbidden   whoever calls lacks a right
        └── Unauthenticated  nobody knows who calls

A record that breaks a rule is not an error: it goes to quarantine and the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self


class HeadwaterError(Exception):
    """Base of all errors. Says what is wrong, where, with which value, what is valid and what to do.

    The facts stay readable as attributes; `str()` joins those given into sentences. What may quote a cell is `value`
    and no part of the rest: that is kept for good, and channels are told of it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        value: object = None,
        valid: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.value = value
        self.valid = valid
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        return self._said(self.value)

    def as_kept(self) -> dict[str, str]:
        """What is kept of it for good, as in the audit chain; no value: it may have been read, and be somebody's."""
        return {"kind": type(self).__name__, "message": self._said(None)}

    def _said(self, value: object) -> str:
        sentence = f"{self.where}: {self.what}" if self.where else self.what
        if value is not None:
            sentence += f" (value: {str(value)[:200]!r})"
        parts = [sentence]
        if self.valid:
            parts.append(f"Valid: {self.valid}")
        if self.remedy:
            parts.append(self.remedy)
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts)


def as_told(kept: Mapping[str, Any]) -> str:
    """The sentences of an error that was kept: as its facts, or as its message."""
    if "what" not in kept:
        return str(kept.get("message", ""))
    facts = {name: kept.get(name) for name in ("where", "value", "valid", "remedy")}
    return str(HeadwaterError(kept["what"], **facts))


class RetryLater(HeadwaterError):
    """What failed may pass by itself: a lost connection, a lock held by somebody else.

    after: seconds to wait before the next try, where whoever refused has said so.
    is_held: somebody else works on the same thing just now; nothing has failed.
    tries: how often it was tried before this was said.
    """

    after: float | None = None
    is_held: bool = False
    tries: int = 1


class InputRefused(HeadwaterError):
    """A file or document that cannot be read or trusted as a whole; nothing of it was loaded.

    setting: what a mapping says under `source` that would settle it, as "source.sheets", where it can be read in
    several ways; choices: what that may name, where it is known.
    """

    setting: str | None = None
    choices: tuple[str, ...] = ()

    def settled_by(self, setting: str, choices: Iterable[str] = ()) -> Self:
        """The same, with what would settle it."""
        self.setting, self.choices = setting, tuple(choices)
        return self


class Stopped(HeadwaterError):
    """The installation or its evidence is not fit to go on: full disk, old schema, broken chain."""


class Misuse(HeadwaterError):
    """The call, a setting or a document is wrong; correcting it is up to the caller.

    is_unasked: a source was to be asked and was not: what it is asked by, a secret or a library, is missing here.
    faults: each thing wrong, where there are several; the error itself tells them all.
    """

    is_unasked: bool = False
    faults: tuple[Misuse, ...] = ()


def refuse_all(found: Iterable[Misuse]) -> None:
    """Misuse with all that was found wrong, if anything was: whoever mends one is not to be told of the next."""
    faults = list(found)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        error = Misuse(" ".join(map(str, faults)))
        error.faults = tuple(one for each in faults for one in each.faults or (each,))
        raise error


class NotFound(Misuse):
    """What is named is not there; another organisation's things are not there either."""


class Conflict(Misuse):
    """It was changed since the caller looked, is taken already, or is in a state that does not allow this.

    mine, theirs: both versions, where an edit met another.
    """

    mine: object = None
    theirs: object = None


class Forbidden(Misuse):
    """Whoever calls is known and lacks a right, which `value` names."""


class Unauthenticated(Misuse):
    """Who calls is not known: no token or session, or one that has ended."""


def unasked(error: Misuse) -> Misuse:
    """The same, as one that came before a source was asked: it says nothing of the source."""
    error.is_unasked = True
    return error


def cannot_open(path: object, error: OSError) -> Misuse:
    """What is said of a file that the system does not let anybody here read."""
    return Misuse(
        f"the file cannot be opened: {error.strerror}", where=str(path), valid="a file that exists and may be read"
    )
