"""What a check is, and what becomes of each: passed, failed with what is wrong, or not applicable and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headwater.testing.case import Opened


class Nonconformity(AssertionError):
    """The connector does not do what the protocol says."""


def require(held: bool, message: str) -> None:  # noqa: FBT001 - reads as the assertion it is
    """Raise Nonconformity saying so, unless it holds."""
    if not held:
        raise Nonconformity(message)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing a connector must do.

    what   the rule, in a sentence
    needs  what the source must have for it; the names stand in `lacks` where it has not
    """

    name: str
    what: str
    run: Callable[[Any], None]
    needs: tuple[str, ...] = ()

    def not_applicable(self, lacks: Mapping[str, str]) -> str | None:
        """Why the check does not apply; None where it does."""
        return next((f"{need}: {lacks[need]}" for need in self.needs if need in lacks), None)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a check; `why` says what is wrong, or why it does not apply."""

    check: str
    outcome: Literal["passed", "failed", "not applicable"]
    why: str = ""


def verdict(case: Opened, check: Check) -> Verdict:
    """Run one check, whatever the connector does."""
    why = check.not_applicable(case.lacks)
    if why is not None:
        return Verdict(check=check.name, outcome="not applicable", why=why)
    try:
        check.run(case)
    except Exception as error:  # noqa: BLE001 - a connector under test may raise anything
        return Verdict(check=check.name, outcome="failed", why=f"{type(error).__name__}: {error}")
    return Verdict(check=check.name, outcome="passed")


def wrong_declarations(case: type[Opened], checks: Sequence[Check], parts: Sequence[str] = ()) -> list[str]:
    """What in `lacks` is no declaration: a name that no check asks for, or no reason."""
    known = {need for check in checks for need in check.needs} | set(parts)
    found = [
        f"{name!r} is nothing that a check asks for; there are: {sorted(known)}"
        for name in case.lacks
        if name not in known
    ]
    return found + [f"{name!r} has no reason" for name, why in case.lacks.items() if len(why.split()) < 2]
