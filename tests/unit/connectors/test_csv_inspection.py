from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from headwater.connectors.csv_file import CsvConfig, inspect_file, plan
from headwater.connectors.inspection import Inspection
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path


def inspect(tmp_path: Path, text: str | bytes, **said: Any) -> Inspection[CsvConfig]:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return inspect_file(path, CsvConfig(**said))


def test_a_plain_file(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a;b\n1;x\n2;y\n")
    assert (found.format, found.encoding, found.size) == ("csv", "utf-8", 12)
    assert found.config == CsvConfig(
        encoding="utf-8", delimiter=";", quote='"', comment="", preamble=0, line_end="\n", unnamed=0
    )
    assert found.columns == ("a", "b")
    assert found.sample == (("1", "x"), ("2", "y"))
    assert found.sample_lines == (2, 3)
    assert found.warnings == ()


def test_an_inspection_is_json(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a;b\n1;x\n")
    assert json.loads(json.dumps(found.as_json()))["config"]["delimiter"] == ";"


def test_what_was_found_is_what_planning_takes(tmp_path: Path) -> None:
    found = inspect(tmp_path, "Report 2024,,\nby hand,,\n\na,b\n#do so\n1,2,\n3,4,\n")
    planned = plan(tmp_path / "file.csv", found.config, 10)
    assert planned.columns == found.columns == ("a", "b", "column_3")
    assert planned.preamble == found.preamble == ("Report 2024,,", "by hand,,", "")
    assert planned.records == 3
    assert found.config.comment == "#"
    assert found.sample == (("1", "2", ""), ("3", "4", ""))


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a\tb\n1\t2,5\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ('a;b\n"x,y,z";1\n"u,v,w";2\n', ";"),
        ("a,b\n1\n2,3\n4,5\n6,7,8\n", ","),
        ("name\nx\ny\n", ","),
        ("a,b,note\n" + "1,2,by hand; twice\n" * 8 + "3,4,\n" * 2, ","),  # in eight notes of ten, and not in the header
    ],
)
def test_the_delimiter_is_the_one_that_divides_evenly(tmp_path: Path, text: str, delimiter: str) -> None:
    assert inspect(tmp_path, text).config.delimiter == delimiter


@pytest.mark.parametrize("text", ["a;b,c\n1;2,3\n", "a;x,b\nu;v,w\nr;s,t\n"])
def test_two_delimiters_that_fit_alike_are_refused_until_one_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputRefused, match=r"Set source\.delimiter"):
        inspect(tmp_path, text)
    assert inspect(tmp_path, text, delimiter=";").confidence == 1


@pytest.mark.parametrize(
    ("text", "header_line", "columns"),
    [
        ('"Source","Indicators",\n\n"Updated","2022",\n\n"Country","1960","1961"\n"X","1","2"\n"Y","3","4"\n', 5, 3),
        ("Title,,\na,b,c\n1,2,3\n", 2, 3),
        ("#made by hand\na,b\n1,2\n", 2, 2),
        ("year,2019,2020\nx,1,2\ny,3,4\n", 1, 3),
    ],
)
def test_the_header_is_found_below_titles(tmp_path: Path, text: str, header_line: int, columns: int) -> None:
    found = inspect(tmp_path, text)
    assert (found.header_line, len(found.columns)) == (header_line, columns)


def test_records_where_a_header_should_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="there is no header"):
        inspect(tmp_path, "x,1.5,2024-01-01\ny,2.5,2024-01-02\n")


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("a,b\n#first, fill in, all of it\n#then\n1,2\n", "#"),
        ("a,b\n#1,2\n#2,3\n", ""),
        ("#,b\n1,2\n3,4\n", ""),
    ],
)
def test_instruction_lines_are_those_not_divided_as_records(tmp_path: Path, text: str, comment: str) -> None:
    assert inspect(tmp_path, text).config.comment == comment


def test_lines_that_may_be_instructions_are_refused_until_said(tmp_path: Path) -> None:
    text = "a,b\n#1,2\n#do this\n3,4\n"
    with pytest.raises(InputRefused, match=r"Set source\.comment") as refused:
        inspect(tmp_path, text)
    assert refused.value.where == "file.csv, line 2"
    assert inspect(tmp_path, text, comment="#").sample == (("3", "4"),)
    assert len(inspect(tmp_path, text, comment="").sample) == 2


def test_classic_mac_line_ends_are_found(tmp_path: Path) -> None:
    assert inspect(tmp_path, "a,b\r1,2\r").config.line_end == "\r"
    assert inspect(tmp_path, 'a,b\n"x\ry\rz\r",2\n').config.line_end == "\n"


def test_utf16_is_inspected_as_text(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a;é\n1;ü\n".encode("utf-16"))
    assert (found.encoding, found.columns, found.sample) == ("utf-16", ("a", "é"), (("1", "ü"),))


def test_what_a_person_would_want_to_know_is_a_warning(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a,,a,\u200bb\n1,2,3,4\n1,2,3\n")
    assert len(found.warnings) == 4
    for part in ("column_2", "a_2", "invisible", "line 3"):
        assert any(part in warning for warning in found.warnings)


def test_a_header_alone_is_valid_and_said(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a;b;c\n")
    assert (found.columns, found.sample) == (("a", "b", "c"), ())
    assert found.warnings == ("there are no records below the header",)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"a,b\n\0\0,1\n", "zero byte"),
        (b"\n\n", "no header"),
        (b'a,b\n1,x"y"\n', "a quote stands inside a field"),
        (b'a,b\n1,"x\n', "ends inside a quoted field"),
        (b",".join([b"x"] * 2001) + b"\n", "too many columns"),
    ],
)
def test_what_is_no_delimited_text_is_refused_in_words(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(InputRefused, match=what) as refused:
        inspect(tmp_path, data)
    assert (refused.value.where or "").startswith("file.csv")


def test_a_wrong_encoding_said_is_refused_at_its_byte(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="offset 7 is not UTF-8") as refused:
        inspect(tmp_path, b"a,b\n1,2\xff\n", encoding="utf-8")
    assert refused.value.where == "file.csv, line 2"


def test_only_twenty_records_are_shown_of_a_long_file(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a,b\n" + "1234567,ü\n" * 200_000)
    assert len(found.sample) == 20


def test_a_path_that_leads_to_no_file_is_misuse(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.csv"):
        with pytest.raises(Misuse, match="cannot be opened") as refused:
            inspect_file(path)
        assert refused.value.where == str(path)


def test_more_lines_above_the_header_than_there_are_is_refused(tmp_path: Path) -> None:
    for preamble in (1, 2, 50):
        with pytest.raises(InputRefused, match=r"no header.*see that it counts only the lines above"):
            inspect(tmp_path, "a,b\n", preamble=preamble)


def test_a_long_first_record_is_not_taken_for_none(tmp_path: Path) -> None:
    found = inspect(tmp_path, "a,b\n" + "x" * 2_000_000 + ",1\n")
    assert (found.columns, found.sample) == (("a", "b"), ())
    assert found.warnings == ("the first record is too long to be shown",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site,mass\nA,1.5\nB,2.5\n\nfuel,energy\nX,6.5\nY,7.5\n", {"preamble": 0}),
        ("name:x\na:1\nb:2\n", {"delimiter": ","}),
        ("a~|~b\n1~|~2\n", {"delimiter": "|"}),
        ("“a”,b\n“x”,2\n", {"quote": ""}),
    ],
)
def test_what_is_said_is_not_doubted(tmp_path: Path, text: str, said: dict[str, Any]) -> None:
    with pytest.raises(InputRefused, match=r"[Ss]et source"):
        inspect(tmp_path, text)
    assert inspect(tmp_path, text, **said).sample


@pytest.mark.parametrize(
    "text",
    [
        "full name\nJohn Smith\nJane Doe\n",
        "site,kWh\nA,1.5\n\nB,n/a\nC,2.5\nD,3\n",
        "site,kWh\nA,1.5\nB,2\n\nTotal,3.5\n",
        "year,kWh\n2022,1.5\n2023,2.5\n",
        "a,note\n1,'tis so\n2,the dogs'\n",
        "plan,share\nx,5%\ny,6%\n",
        "Summer,kWh\nSummer 2022,5\n",
    ],
)
def test_a_common_table_raises_no_doubt(tmp_path: Path, text: str) -> None:
    found = inspect(tmp_path, text)
    assert found.header_line == 1
    assert [warning for warning in found.warnings if "totals" not in warning] == []


def test_utf16_said_of_a_text_without_its_mark_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"not UTF-16 text.*utf-16-le or utf-16-be") as refused:
        inspect(tmp_path, "a,é\n1,ü\n".encode("utf-16-le"), encoding="utf-16")
    assert refused.value.where == "file.csv"


def test_a_header_of_spaces_is_read_in_time(tmp_path: Path) -> None:
    assert inspect(tmp_path, "a" + " " * 100_000 + ",b\n1,2\n").columns == ("a", "b")
