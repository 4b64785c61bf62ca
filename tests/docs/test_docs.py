"""What the docs say is there: links, reference pages, examples, commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from headwater.settings import load_settings
from tools import generate_reference

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "src").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def headings(page: Path) -> set[str]:
    """The anchors that headings of a page have."""
    found = re.findall(r"^#+ +(.+)$", BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(BLOCK.sub("", text_of(page))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in headings(there)):
            broken.append(target)
    assert broken == []


def test_every_page_is_named_in_the_readme() -> None:
    parts = [DOCS / part for part in ("tutorial", "how-to", "reference", "explanation")]
    pages = [page for folder in parts for page in folder.glob("*.md")] + list(ROOT.glob("examples/*/README.md"))
    assert {str(page.relative_to(ROOT)) for page in pages} <= set(LINK.findall(text_of(ROOT / "README.md")))


@pytest.mark.parametrize("name", sorted(generate_reference.pages()))
def test_a_page_made_from_code_equals_it(name: str) -> None:
    made = generate_reference.pages()[name]()
    assert text_of(DOCS / "reference" / name) == made, "run: .venv/bin/python -m tools.generate_reference"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_toml_examples_are_settings_that_load(page: Path, tmp_path: Path) -> None:
    for language, body in BLOCK.findall(text_of(page)):
        if language == "toml":
            assert tomllib.loads(body)
            example = tmp_path / "headwater.toml"
            example.write_text(body, encoding="utf-8")
            load_settings(example, environ={})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_that_are_named_exist(page: Path) -> None:
    makefile = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z][a-z-]+)", text_of(page), re.MULTILINE)) <= targets


def test_the_four_parts_are_there_and_none_is_empty() -> None:
    for part in ("tutorial", "how-to", "reference", "explanation", "decisions"):
        assert list((DOCS / part).glob("*.md")), part


def test_the_glossary_is_sorted_and_says_each_thing_once() -> None:
    rows = re.findall(r"^\| (\w[^|]*?) \| (\S[^|]*) \|$", text_of(DOCS / "glossary.md"), re.MULTILINE)[1:]
    terms = [term.lower() for term, _ in rows]
    assert len(terms) > 30
    assert terms == sorted(set(terms))


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    records = sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", text_of(DOCS / "decisions/README.md"), re.MULTILINE)
    assert [name for _, name, _ in listed] == records
    for number, name, _ in listed:
        body = text_of(DOCS / "decisions" / name)
        assert body.startswith(f"# {number} ")
        assert re.search(r"^\d{4}-\d{2}-\d{2}, (in force|replaced by \[\d{4}\])", body, re.MULTILINE), name
        assert [part for part in ("## What forced it", "## Decision", "## What follows") if part not in body] == []


def test_the_readme_shows_a_transcript_of_the_demo() -> None:
    block = re.search(r"<!-- transcript: (.+?) -->\n(.*?)<!-- /transcript -->", text_of(ROOT / "README.md"), re.DOTALL)
    assert block
    assert block[2].startswith("```console\n$ headwater demo\n"), "run: .venv/bin/python -m tools.refresh_transcript"
