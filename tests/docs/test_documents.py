"""Mappings and recipes that pages show are such, and commands that they name are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from headwater.accounting.indicators import read_indicators
from headwater.accounting.inventory.document import read_document
from headwater.cli.main import app
from headwater.documents.strict_yaml import parse_yaml
from headwater.mapping import read_mapping
from headwater.pipeline.recipe import load_recipe
from tests.docs.test_docs import BLOCK, PAGES, ROOT, text_of


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_yaml_examples_are_documents_that_are_read(page: Path, tmp_path: Path) -> None:
    for language, body in BLOCK.findall(text_of(page)):
        if language == "yaml" and body.startswith("mapping:"):
            read_mapping(body, where=str(page))
        elif language == "yaml" and body.startswith("indicators:"):
            read_indicators(parse_yaml(body, where=str(page)), where=str(page))
        elif language == "yaml" and body.startswith("recipe:"):
            path = tmp_path / "recipe.yaml"
            path.write_text(body, encoding="utf-8")
            load_recipe(path)
        elif language == "yaml" and body.startswith("inventory:"):
            read_document(parse_yaml(body, where=str(page)), where=str(page))


def test_the_pages_of_documents_show_one() -> None:
    for name in ("mapping", "recipe", "inventory"):
        page = text_of(ROOT / f"docs/reference/{name}.md")
        assert any(language == "yaml" and body.startswith(f"{name}:") for language, body in BLOCK.findall(page))


def commands(page: Path) -> Iterator[list[str]]:
    """Each `headwater …` that a page gives to be typed, in words."""
    for language, body in BLOCK.findall(text_of(page)):
        if language == "sh":
            for line in body.splitlines():
                if line.startswith("headwater "):
                    yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_give_are_there(page: Path) -> None:
    for words in commands(page):
        command: Any = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not getattr(command, "commands", {}), f"{page.name}: headwater … {' '.join(words)}"
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        options = {word for word in words if re.match(r"--?[a-z]", word)}
        assert options <= known | {"--help"}, f"{page.name}: {options - known}"
        required = [p for p in command.params if p.param_type_name == "argument" and p.required]
        given = [word for word in words if word == "-" or not word.startswith("-")]
        assert len(given) >= len(required), f"{page.name}: {' '.join(words)}"
