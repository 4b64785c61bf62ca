"""What connectors are proven against is the same in their kinds, in their READMEs and on the page that lists all."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from headwater.connectors.protocol import Kind
from tools.reference_connectors import kinds

KINDS = {kind.name: kind for kind in kinds()}


def readme(kind: Kind) -> str:
    return (Path(inspect.getfile(kind.config)).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_readme_names_each_version_that_the_kind_names(kind: Kind) -> None:
    text = readme(kind)
    assert re.search("proven against", text, re.IGNORECASE)
    assert [named for named in kind.proven_against if named not in text] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_says_what_it_reads_by_and_what_is_proven_or_why_nothing_is(kind: Kind) -> None:
    assert len(kind.reads_by.split()) > 2
    assert kind.proven_against or len(kind.unproven.split()) > 1


@pytest.mark.parametrize(
    ("name", "pattern", "lock"),
    [("snowflake", r"fakesnow (\d+\.\d+)", "fakesnow"), ("databricks", r"SDK (\d+\.\d+)", "databricks-sdk")],
)
def test_what_stands_in_is_of_the_version_that_tests_install(name: str, pattern: str, lock: str) -> None:
    locked = (Path(__file__).parents[2] / "tools/warehouses.lock").read_text(encoding="utf-8")
    (version,) = re.findall(rf"^{lock}(?:\[.+\])?==(\d+\.\d+)", locked, re.MULTILINE)
    assert set(re.findall(pattern, readme(KINDS[name]))) == {version}
