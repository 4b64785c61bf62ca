"""Checks: why a source cannot be read as configured is told by its cause, in words and by errors of the house."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from headwater.connectors.protocol import Cause, Config, Kind, Problem, Selection
from headwater.errors import HeadwaterError, Misuse, RetryLater
from headwater.testing.case import UNREACHABLE, Case, Opened
from headwater.testing.checking import Check, require
from headwater.testing.file_case import FileCase
from headwater.testing.opening import error_of, numbered, opened, require_sentence, selection, unreachable

CAUSES: tuple[str, ...] = get_args(Cause)
CHUNKS = {"key_range", "time_window", "pages", "whole", "files"}
SAYS_SECRET = (
    "password",
    "secret",
    "token",
    "credential",
    "passphrase",
    "private_key",
    "access_key",
    "account_key",
    "api_key",
)
PASSES: dict[str, tuple[type[HeadwaterError], ...]] = {
    "name_not_found": (RetryLater, Misuse),
    "refused": (RetryLater,),
    "timeout": (RetryLater,),
}
"""Which errors fit a cause: what may pass by itself is RetryLater; all others are Misuse."""


def described(case: Opened) -> None:
    """The kind says what it is, its config is typed and its secrets are references."""
    kind = case.kind
    require(isinstance(kind, Kind), f"{kind!r} is no Kind")
    require(kind.name.isidentifier() and kind.name.islower(), f"the name {kind.name!r} is not of a-z, 0-9 and _")
    require(bool(kind.title.strip()), "the kind has no title")
    require(bool(kind.chunks) and set(kind.chunks) <= CHUNKS, f"chunks {kind.chunks} are not of {sorted(CHUNKS)}")
    require(bool(kind.proven_against) or bool(kind.unproven), "neither proven_against nor, in unproven, why not")
    require(issubclass(kind.config, Config), f"{kind.config.__name__} is no headwater.connectors.protocol.Config")
    require(kind.config.model_config.get("extra") == "forbid", "the config takes fields that it does not know")
    require(bool(kind.config.model_json_schema()), "the config has no JSON Schema")
    for name in kind.config.model_fields:
        secret = any(word in name for word in SAYS_SECRET) and not name.endswith(("_id", "_url", "_seconds"))
        require(
            not secret or name.endswith("_ref"), f"the field {name} holds a secret; it must be a reference, {name}_ref"
        )


def against_what_is_named(case: Opened) -> None:
    """The server and version that the suite runs against is one that the kind says it is proven against."""
    named = case.kind.proven_against
    found = case.against() if named else ""
    require(
        not named or found in named,
        f"the suite runs against {found!r}, and proven_against names {named}: name what is run, or run what is named",
    )


def opens_lazily(case: Opened) -> None:
    """Opening reaches nothing, closing twice is no error, and a source that answers has no problem."""
    if isinstance(case, FileCase):
        case.put("a.csv", b"a\n1\n")  # a store where no file is meant may tell so, and a database without tables
    elif isinstance(case, Case):
        case.make(numbered(3))
    with opened(case) as connector:
        problems = connector.validate()
        require(not problems, f"validate finds fault with a source that answers: {problems}")
        connector.close()


def _require_problems(problems: list[Problem], cause: str, what: str) -> None:
    require(bool(problems), f"{what}: validate finds no problem")
    for problem in problems:
        require(isinstance(problem, Problem), f"{what}: {problem!r} is no Problem")
        require(problem.cause in CAUSES, f"{what}: the cause {problem.cause!r} is not of {CAUSES}")
        require_sentence(problem.what, f"{what}: a problem")
        require(bool(problem.where.strip()), f"{what}: a problem does not say where")
        require(bool(problem.valid or problem.remedy), f"{what}: a problem says neither what is valid nor what to do")
    order = [CAUSES.index(problem.cause) for problem in problems]
    require(order == sorted(order), f"{what}: problems are not sorted by cause: {[p.cause for p in problems]}")
    require(problems[0].cause == cause, f"{what}: the cause is {cause}, validate says {problems[0].cause}")


def _told_apart(cause: Cause, case: Opened) -> None:
    asked = selection(case) if isinstance(case, Case) else None
    if isinstance(case, Case):
        case.make(numbered(3))
    with unreachable(case, cause) as connector:
        _require_problems(list(connector.validate(asked)), cause, cause)
        fitting = PASSES.get(cause, (Misuse,))
        for name, call in _calls(case, connector).items():
            if cause == "missing_right" and name == "discover":
                continue  # it lists what the login may read
            error = error_of(call, f"{name} ({cause})")
            says = f"{name} ({cause}) raises {type(error).__name__}, it must be {fitting[0].__name__}"
            require(isinstance(error, fitting), says)


def _calls(case: Opened, connector: Any) -> dict[str, Any]:
    if not isinstance(case, Case):
        return {"files": connector.files}
    return {
        "discover": connector.discover,
        "sample": partial(connector.sample, case.table),
        "plan": partial(connector.plan, selection(case)),
    }


def no_such_table(case: Case) -> None:
    """A table that is not there is not_found for validate and Misuse for all others; a wrong column likewise."""
    case.make(numbered(3))
    wrong = Selection(table="no_such_table_here")
    with opened(case) as connector:
        _require_problems(list(connector.validate(wrong)), "not_found", "a table that is not there")
        for name, call in {
            "sample of a table that is not there": partial(connector.sample, wrong.table),
            "plan of a table that is not there": partial(connector.plan, wrong),
            "plan of a column that is not there": partial(connector.plan, selection(case, columns=("no_such_column",))),
            "plan of a key that is not there": partial(connector.plan, selection(case, key=("no_such_column",))),
        }.items():
            error = error_of(call, name)
            require(isinstance(error, Misuse), f"{name} raises {type(error).__name__}, it must be Misuse")
        unknown = list(connector.validate(selection(case, columns=("no_such_column",))))
        require(bool(unknown), "a column that is not there: validate finds no problem")


def no_cursor_is_told(case: Case) -> None:
    """A kind that declares no cursor refuses one, and does not read the whole table in silence."""
    if case.kind.cursor:
        require("cursor" not in case.lacks, "the kind declares a cursor, and the case that it lacks one")
        return
    case.make(numbered(3))
    with opened(case) as connector:
        error = error_of(
            partial(connector.plan, selection(case, cursor=True)), "plan by a cursor, which the kind has not,"
        )
        require(isinstance(error, Misuse), f"plan by a cursor raises {type(error).__name__}, it must be Misuse")


KIND = (
    Check(name="kind", what=described.__doc__ or "", run=described),
    Check(
        name="proven against",
        what=against_what_is_named.__doc__ or "",
        run=against_what_is_named,
        needs=("against",),
    ),
    Check(name="open", what=opens_lazily.__doc__ or "", run=opens_lazily),
)
CAUSES_TOLD = tuple(
    Check(
        name=f"validate tells {cause}",
        what=f"{cause} is told by validate, and by errors that say what to do next.",
        run=partial(_told_apart, cause),
        needs=(cause, *(("secret",) if cause == "login" else ())),
    )
    for cause in UNREACHABLE
)
TABLES = (
    Check(name="validate tells a wrong table", what=no_such_table.__doc__ or "", run=no_such_table),
    Check(name="cursor declared", what=no_cursor_is_told.__doc__ or "", run=no_cursor_is_told),
)
