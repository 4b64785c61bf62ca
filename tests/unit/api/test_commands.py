"""What errors say to do by a command, they say over HTTP by the route that does the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import headwater
from headwater.api.app import create_app
from headwater.api.commands import ROUTES, commands_in, told_with_routes, with_routes
from headwater.settings import Settings
from tests.unit.cli.test_help import PROMISED

SOURCE = Path(headwater.__file__).parent
OF_THE_SERVER = {
    "db status", "db upgrade", "demo", "organisations list", "people keys encrypt-files", "people keys encrypt-records",
    "quarantine mirror", "worker", "serve",
}  # fmt: skip
"""Whoever runs the installation does these."""
OF_FILES_AT_HAND = {
    "connectors credentials set", "connectors fetch", "connectors sample", "datasets accept", "inspect", "map suggest",
    "quarantine fix", "recipe init", "replay check", "run",
}  # fmt: skip
"""These read or write files where they are typed, or have no route yet."""


def named() -> Iterator[tuple[str, str]]:
    """Each command that a text of the code names, but for those of the command line itself: place, command."""
    for path in sorted(SOURCE.rglob("*.py")):
        room = path.relative_to(SOURCE).parts[0]
        if room in {"cli", "testing"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {id(part) for part in ast.walk(tree) if isinstance(part, ast.keyword) and part.arg in {"remedy", "mend"}}
        for keyword in (part for part in ast.walk(tree) if id(part) in told):
            assert isinstance(keyword, ast.keyword)
            for text in (part.value for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)):
                for said in commands_in(text) if isinstance(text, str) else ():
                    yield f"{path.relative_to(SOURCE)}:{keyword.value.lineno}", command_of(said)


def command_of(said: str) -> str:
    words = said.split()
    known = PROMISED | {"trace emission"}
    return next((" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in known), f"no command: {said}")


def test_every_command_that_a_remedy_names_is_one_and_has_its_route_or_none() -> None:
    found = list(named())
    assert len(found) > 40
    assert [each for each in found if each[1] not in {*ROUTES, *OF_THE_SERVER, *OF_FILES_AT_HAND}] == []


def test_routes_are_there_and_stand_for_commands() -> None:
    paths = create_app(Settings()).openapi()["paths"]
    there = {
        f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items() for method in methods
    }
    assert {route for told in ROUTES.values() for route in told.split(" and ")} <= there
    assert ROUTES.keys() - {"trace emission"} <= PROMISED
    assert not ROUTES.keys() & (OF_THE_SERVER | OF_FILES_AT_HAND)


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        (None, None),
        ("Look again, then decide.", "Look again, then decide."),
        ("`headwater runs list` shows them.", "`headwater runs list` shows them. Over HTTP: GET /runs."),
        (
            "Go on with: headwater runs resume 0bad",
            "Go on with: headwater runs resume 0bad. Over HTTP: POST /runs/{run}/resumption.",
        ),
        ("Run `headwater db upgrade`.", "Run `headwater db upgrade`."),
        (
            "`headwater trace emission KEY`, `headwater trace activity KEY`: headwater trace emission KEY",
            (
                "`headwater trace emission KEY`, `headwater trace activity KEY`: headwater trace emission KEY. "
                "Over HTTP: GET /emissions/{activity}/trace, GET /records/{reference}/{key}/trace."
            ),
        ),
    ],
)
def test_a_remedy_names_the_routes_of_its_commands(remedy: str | None, told: str | None) -> None:
    assert with_routes(remedy) == told


def test_only_what_says_what_to_do_is_told_so() -> None:
    said = "`headwater runs list` shows them."
    body = {"parts": [{"says": said, "remedy": said, "limit": None}], "remedy": None}
    told = f"{said} Over HTTP: GET /runs."
    assert told_with_routes(body) == {"parts": [{"says": said, "remedy": told, "limit": None}], "remedy": None}
