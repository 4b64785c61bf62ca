"""Check: no secret in anything that leaves a connector, in whatever form it was sent."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

from headwater.testing.case import UNREACHABLE, Case, Opened
from headwater.testing.checking import Check, require
from headwater.testing.file_case import FileCase
from headwater.testing.opening import numbered, opened, selection, unreachable

SHORTEST = 8
"""A secret of fewer characters might be found by chance."""


def forms(secret: str) -> set[str]:
    """A secret as it stands, in a URL, and in Base64 wherever in a longer text it stood."""
    data = secret.encode()
    found = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).decode()
        found.add(whole[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6])
    return {form for form in found if len(form) >= SHORTEST}


@contextlib.contextmanager
def _everything_said() -> Iterator[Callable[[object], None]]:
    """What is logged, warned of and printed meanwhile is kept; gives what keeps more."""
    held = io.StringIO()
    handler = logging.StreamHandler(held)
    handler.setLevel(logging.NOTSET)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def keep(said: object) -> None:
        held.write(f"{said}\n")

    keep.held = held  # type: ignore[attr-defined]
    try:
        with (
            contextlib.redirect_stdout(held),
            contextlib.redirect_stderr(held),
            warnings.catch_warnings(record=True) as warned,
        ):
            warnings.simplefilter("always")
            yield keep
        for warning in warned:
            keep(warning.message)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _try(keep: Callable[[object], None], call: Callable[[], object]) -> Any:
    """What a call gives, or everything that its error tells: itself, its facts and those of what caused it."""
    try:
        found = call()
    except Exception as error:  # noqa: BLE001 - whatever is raised must tell no secret
        keep("".join(traceback.format_exception(error)))
        chained: BaseException | None = error
        while chained is not None:
            keep(repr(chained))
            keep(
                {
                    name: value
                    for name, value in vars(chained).items()
                    if isinstance(value, str | int | tuple | list | dict)
                }
            )
            chained = chained.__cause__ or chained.__context__
        return None
    keep(repr(found))
    return found


def _use(case: Opened, connector: Any, keep: Callable[[object], None]) -> None:
    keep(repr(connector))
    if isinstance(case, FileCase):
        _try(keep, connector.validate)
        _try(keep, connector.files)
        return
    asked = selection(case) if isinstance(case, Case) else None
    _try(keep, partial(connector.validate, asked))
    _try(keep, connector.discover)
    _try(keep, partial(connector.sample, getattr(case, "table", "")))
    _try(keep, partial(connector.sample, "no_such_table_here"))
    plan = _try(keep, partial(connector.plan, asked))
    for chunk in plan.chunks if plan else ():
        keep(json.dumps(dict(chunk.locator), default=repr))
        _try(keep, partial(_read, connector, asked, chunk))


def _read(connector: Any, asked: Any, chunk: Any) -> list[Any]:
    with connector.read(asked, chunk) as stream:
        return list(stream)


def no_secret_told(case: Opened) -> None:
    """No secret in configs, problems, tables, locators, batches, errors with all that caused them, logs or prints."""
    secrets: set[str] = set()
    if isinstance(case, Case):
        case.make(numbered(13))
    with _everything_said() as keep:
        config = case.config()
        keep(repr(config))
        keep(config.model_dump_json())
        with opened(case, secrets=secrets) as connector:
            _use(case, connector, keep)
        for cause in UNREACHABLE:
            if cause not in case.lacks:
                with unreachable(case, cause, secrets) as connector:
                    _use(case, connector, keep)
    said = keep.held.getvalue()  # type: ignore[attr-defined]
    require(bool(secrets), "the connector asks for no secret: give the case a config with a reference, or declare it")
    short = [len(secret) for secret in secrets if len(secret) < SHORTEST]
    require(not short, f"a secret of {short} characters might be found by chance; plant one of {SHORTEST} or more")
    for form in sorted({form for secret in secrets for form in forms(secret)}):
        place = said.find(form)
        around = said[max(0, place - 80) : place] + "[the secret]" + said[place + len(form) :][:40]
        require(place < 0, f"a secret is told: ...{around}")


CHECKS = (Check(name="no secret told", what=no_secret_told.__doc__ or "", run=no_secret_told, needs=("secret",)),)
