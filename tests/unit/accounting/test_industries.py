from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.accounting.industries import Classification, read_industries, read_industry
from headwater.errors import InputRefused


@pytest.mark.parametrize(
    ("text", "classification", "code", "level", "section"),
    [
        ("D", "NACE Rev. 2", "D", "section", "D"),
        ("35", "NACE Rev. 2", "35", "division", "D"),
        ("D35", "ISIC Rev. 4", "35", "division", "D"),
        ("35.1", "NACE Rev. 2", "35.1", "group", "D"),
        ("351", "ISIC Rev. 4", "351", "group", "D"),
        ("D35.11", "NACE Rev. 2", "35.11", "class", "D"),
        ("D.35.1.1", "NACE Rev. 2", "35.11", "class", "D"),
        ("NACE 3511", "NACE Rev. 2", "35.11", "class", "D"),
        ("3510", "ISIC Rev. 4", "3510", "class", "D"),
        ("01.11", "NACE Rev. 2", "01.11", "class", "A"),
        ("99", "ISIC Rev. 4", "99", "division", "U"),
    ],
)
def test_codes_in_the_forms_in_use(
    text: str, classification: Classification, code: str, level: str, section: str
) -> None:
    found = read_industry(text, classification)
    assert (found.code, found.level, found.section) == (code, level, section)
    assert read_industry(found.code, classification) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no industry code"),
        ("35.111", "no industry code"),
        ("d35", "no industry code"),
        ("W", "no industry code"),
        ("1", "no industry code"),
        ("04", "no division 04"),
        ("34.10", "no division 34"),
        ("00", "no division 00"),
        ("C35", "belongs to section D, not C"),
        ("35,11", "no industry code"),
    ],
)
def test_codes_that_are_none(text: str, says: str) -> None:
    with pytest.raises(InputRefused, match=says) as refused:
        read_industry(text, "NACE Rev. 2")
    assert "leading zero" in (refused.value.remedy or "")


def test_there_are_21_sections_and_88_divisions() -> None:
    """As both classifications count them: UN ISIC Rev. 4 (2008), part one; Regulation (EC) No 1893/2006, annex I."""
    sections = {read_industry(letter, "ISIC Rev. 4").section for letter in "ABCDEFGHIJKLMNOPQRSTU"}
    divisions = []
    for number in range(100):
        try:
            divisions.append(read_industry(f"{number:02}", "ISIC Rev. 4").section)
        except InputRefused:
            continue
    assert len(sections) == 21
    assert len(divisions) == 88
    assert divisions == sorted(divisions)
    assert set(divisions) == sections


def test_a_table_that_the_user_loads_decides_which_codes_exist(tmp_path: Path) -> None:
    path = tmp_path / "nace.csv"
    path.write_text("code,title\nD,Electricity\nD35.11,Production of electricity\n35.11,Production of electricity\n")
    titles = read_industries(path, "NACE Rev. 2")
    assert titles == {"D": "Electricity", "35.11": "Production of electricity"}
    assert read_industry("D35.11", "NACE Rev. 2", titles).title == "Production of electricity"
    with pytest.raises(InputRefused, match="does not stand in the table"):
        read_industry("35.19", "NACE Rev. 2", titles)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,title\n35.11,One\n3511,Two\n", "record 3: a code with two titles"),
        ("code,title\n35.11,\n", "record 2: a record without"),
        ("Code;Title\n35.11;One\n", "the columns code and title"),
        ("code,title\n04,None\n", "no division 04"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "nace.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        read_industries(path, "NACE Rev. 2")


@given(
    text=st.text(max_size=8) | st.from_regex(r"[A-Z]?[0-9.]{0,6}", fullmatch=True),
    which=st.sampled_from(get_args(Classification)),
)
def test_any_text_is_read_to_a_code_that_reads_as_itself_or_refused(text: str, which: Classification) -> None:
    try:
        found = read_industry(text, which)
    except InputRefused:
        return
    assert read_industry(found.code, which) == found
