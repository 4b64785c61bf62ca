from __future__ import annotations

import pytest

from headwater.connectors.csv_file import CsvConfig, Layout, read_layout
from headwater.connectors.csv_file.layout import column_names
from headwater.errors import InputRefused, Misuse


def layout(text: str, **said: str | int) -> Layout:
    found = read_layout(text.encode(), CsvConfig(**{"delimiter": ",", **said}), "file.csv", final=True)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["a", "b"], ("a", "b")),
        ([" a ", "\u00a0b"], ("a", "b")),
        (["\u200bLand area", "Average\u200b", "\ufeffx"], ("Land area", "Average", "x")),
        (["", "b", " "], ("column_1", "b", "column_3")),
        (["x", "x", "x"], ("x", "x_2", "x_3")),
        (["x", "x", "x_2"], ("x", "x_3", "x_2")),
        (["Name", "name"], ("Name", "name_2")),
        (["column_2", ""], ("column_2", "column_2_2")),
        (["Total\n(t CO2e)", "a  b"], ("Total (t CO2e)", "a  b")),
    ],
)
def test_column_names(cells: list[str], names: tuple[str, ...]) -> None:
    assert column_names(cells) == names


def test_a_byte_order_mark_is_no_part_of_the_first_name_and_counts_as_bytes() -> None:
    found = layout("\ufeffa,b\n1,2\n")
    assert found.columns == ("a", "b")
    assert (found.data_byte, found.data_line) == (7, 2)


def test_preamble_blank_and_instruction_lines_stand_above_the_header() -> None:
    found = layout('Report "2024\nby hand\n\n#do not touch\na,b\n', preamble=2, comment="#")
    assert found.preamble == ('Report "2024', "by hand", "", "#do not touch")
    assert (found.header_line, found.columns, found.data_line) == (5, ("a", "b"), 6)


def test_a_header_with_a_line_break_moves_the_records_down() -> None:
    found = layout('"a\r\nb",c\r\n1,2\r\n')
    assert found.columns == ("a b", "c")
    assert found.data_line == 3


@pytest.mark.parametrize(("text", "line_end"), [("a,b\r1,2\r", "\r"), ("a,b\r\n1,2\r\n", "\n"), ("a,b", "\n")])
def test_the_first_line_end_tells_the_kind(text: str, line_end: str) -> None:
    assert layout(text).dialect.line_end == line_end


def test_fields_beyond_the_header_get_names() -> None:
    assert layout("a,b\n1,2,\n", unnamed=1).columns == ("a", "b", "column_3")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\ufeff", "no header"),
        ("\n\n  \n", "no header"),
        ('a,"b\n1,2\n', "ends inside a quoted field"),
        ('a,b 5"\n1,"2"\n', "a quote stands inside a field"),
        (",".join(["x"] * 2001) + "\n", "too many columns"),
    ],
)
def test_no_layout(text: str, what: str) -> None:
    with pytest.raises(InputRefused, match=what) as refused:
        layout(text)
    assert (refused.value.where or "").startswith("file.csv")


def test_two_thousand_columns_are_read() -> None:
    assert len(layout(",".join(["x"] * 2000)).columns) == 2000


def test_without_a_delimiter_there_is_no_layout() -> None:
    with pytest.raises(Misuse, match="delimiter is not known"):
        read_layout(b"a,b\n", CsvConfig(), "file.csv", final=True)
