"""What connectors are proven against is the same in their kinds, in their READMEs and on the page that lists all."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from headwater.connectors import protocol
from headwater.connectors.configs import config_of
from headwater.connectors.protocol import Kind
from headwater.documents.strict_yaml import parse_yaml
from tools.reference_connectors import kinds

CONNECTORS = Path(protocol.__file__).parent
KINDS = {kind.name: kind for kind in kinds()}
READERS = ("csv_file", "nested", "parquet_file", "workbook")
"""Of files: no kinds, for they have no place of their own to read from."""
BUILT_ON = {"http", "marked_workbook", "object_store", "packing", "sql", "text_table"}
"""Folders that read nothing by themselves."""
SECTIONS = ("What it reads", "Rights it needs", "Chunks and pages", "Limits", "Proven against")


def readme(kind: Kind) -> str:
    return (Path(inspect.getfile(kind.config)).parent / "README.md").read_text(encoding="utf-8")


def test_each_folder_of_connectors_is_a_kind_a_reader_of_files_or_what_these_are_built_on() -> None:
    folders = {path.name for path in CONNECTORS.iterdir() if (path / "__init__.py").is_file()}
    found = {Path(inspect.getfile(kind.config)).parent.name for kind in KINDS.values()}
    assert found == folders - {*READERS, *BUILT_ON}


@pytest.mark.parametrize("name", sorted({path.parent.name for path in CONNECTORS.glob("*/__init__.py")} - BUILT_ON))
def test_every_folder_has_the_same_files_and_its_readme_the_same_sections(name: str) -> None:
    text = (CONNECTORS / name / "README.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## ([^\n]+)\n\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert [section for section in SECTIONS if len(parts.get(section, "").split()) < 3] == []
    assert (CONNECTORS / name / "config.py").is_file() or "no `config.py`" in text


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_readme_names_each_version_that_the_kind_names(kind: Kind) -> None:
    text = readme(kind)
    assert re.search("proven against", text, re.IGNORECASE)
    assert [named for named in kind.proven_against if named not in text] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_config_in_a_readme_is_one_that_the_kind_takes(kind: Kind) -> None:
    for text in re.findall(r"^```yaml\n(.+?)^```", readme(kind), re.MULTILINE | re.DOTALL):
        values = parse_yaml(text, where="README.md")
        assert isinstance(values, dict)
        assert values.pop("kind", kind.name) == kind.name
        config_of(kind, values)


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
