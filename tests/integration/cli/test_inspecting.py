"""A file looked at: as text, as JSON, as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.integration.cli.conftest import Headwater

READINGS = "id;day;use (kWh);state\n1;03.04.2024;1,5;ok\n2;05.06.2024;NE;<b>&amp</b>\n3;07.08.2024;;ok\n"


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    path = tmp_path / "readings.csv"
    path.write_text(READINGS)
    return path


def test_what_the_columns_hold_is_told(headwater: Headwater, readings: Path) -> None:
    done = headwater("inspect", readings)
    assert done.code == 0
    for line in (
        r"format +csv",
        r"decimal sign +,: 1 different texts can be read so only \(1,5\)",
        r"order of dates +in doubt: day and month of each could be swapped \(03.04.2024, .*mapping's locale says it",
        r"use \(kWh\) +number +kWh +33% +2 +NE × 1",
        r"id +integer +0% +3",
    ):
        assert re.search(line, done.out), line
    assert "Begin a mapping with: headwater map suggest" in done.out


def test_of_a_folder_the_way_to_all_its_files_is_said(headwater: Headwater, readings: Path) -> None:
    for command in (("inspect",), ("map", "suggest")):
        done = headwater(*command, readings.parent)
        assert (done.code, "this is a folder" in done.err) == (2, True)
        assert "headwater recipe init" in done.err


def test_of_an_archive_a_member_and_the_way_to_all_are_said(headwater: Headwater, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "months.zip", "w") as archive:
        for month in ("01", "02"):
            archive.writestr(f"{month}.csv", READINGS)
    done = headwater("inspect", "months.zip")
    told = " ".join(done.err.split())
    assert done.code == 1
    assert 'in the mapping, source.member: "01.csv"; to headwater inspect by --member "01.csv".' in told
    assert "headwater import months.zip --mapping MAPPING" in told
    assert headwater("inspect", "months.zip", "--member", "01.csv").code == 0


def test_as_json_with_the_profile(headwater: Headwater, readings: Path) -> None:
    body = headwater("inspect", readings, "--json").json
    assert (body["format"], body["config"]["csv"]["delimiter"], body["mappings"]) == ("csv", ";", [])
    columns = {each["name"]: each for each in body["profile"]["columns"]}
    assert columns["use (kWh)"]["absent"] == {"NE": 1}
    assert body["profile"]["date_order"]["confidence"] == 0.5
    assert body["sample"][0] == ["1", "03.04.2024", "1,5", "ok"]


def test_options_settle_what_is_in_doubt(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('{"a": {"x": [{"id": 1}, {"id": 2}]}, "b": [{"key": 1}]}')
    body = headwater("inspect", "list.json", "--records", "b", "--json").json
    assert body["columns"] == ["key"]
    (tmp_path / "titled.csv").write_text("A title\n\nid,name\n1,x\n2,y\n")
    body = headwater("inspect", "titled.csv", "--header", "3", "--json").json
    assert (body["columns"], body["header_line"]) == (["id", "name"], 3)
    done = headwater("inspect", "titled.csv", "--format", "pdf")
    assert (done.code, "no such format" in done.err) == (2, True)


class Tags(HTMLParser):
    """What stands in a page, and that every tag that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_alone_and_shows_texts_as_texts(headwater: Headwater, readings: Path) -> None:
    done = headwater("inspect", readings, "--html", "page.html")
    assert "Written: page.html" in done.out
    page = Path("page.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    names = [tag for tag, _ in tags.seen]
    assert names.count("h1") == 1
    assert not {"script", "img", "link", "b-"} & set(names)
    assert "<b>&amp</b>" in tags.texts
    assert not any(value and "://" in value for _, attributes in tags.seen for value in attributes.values())
    assert not any("style" in attributes for _, attributes in tags.seen)
    ids = {attributes["id"] for _, attributes in tags.seen if "id" in attributes}
    links = {str(attributes["href"]) for tag, attributes in tags.seen if tag == "a"}
    assert links <= {f"#{each}" for each in ids}
    assert any("sha256-" in str(attributes.get("content")) for tag, attributes in tags.seen if tag == "meta")


def test_a_page_that_cannot_be_written_is_misuse(headwater: Headwater, readings: Path) -> None:
    done = headwater("inspect", readings, "--html", "missing/page.html")
    assert (done.code, "the page cannot be written" in done.err) == (2, True)
