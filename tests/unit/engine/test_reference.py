from __future__ import annotations

import re
from pathlib import Path

from headwater.engine import expressions
from headwater.engine.operations import NAMED, TEXT_FUNCTIONS
from headwater.engine.rendering import MAXIMUM_WILDCARDS

PAGE = (Path(__file__).parents[3] / "docs/reference/expressions.md").read_text(encoding="utf-8")
WRITTEN_OTHERWISE = {"substring": "substr", "pad": "lpad", "coalesce": "coalesce"}


def test_the_page_names_every_function_and_no_other() -> None:
    table = "\n".join(line.rsplit(" | ", 1)[0] for line in PAGE.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"([a-z_]+)\(", table))
    classes = {kind.__name__.lower() for kind in TEXT_FUNCTIONS}
    known = {WRITTEN_OTHERWISE.get(name, name) for name in classes} | set(NAMED) | {"concat"}
    assert {name.replace("_", "") for name in named} == {name.replace("_", "") for name in known}


def test_the_page_tells_the_limits() -> None:
    assert f"{expressions.MAXIMUM_LENGTH:,} characters" in PAGE
    assert f"{expressions.MAXIMUM_TOKENS} words and signs" in PAGE
    assert f"{expressions.MAXIMUM_NESTING} levels" in PAGE
    assert MAXIMUM_WILDCARDS == 3
    assert "three at most" in PAGE
