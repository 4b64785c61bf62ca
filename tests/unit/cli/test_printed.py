"""What people read is in their words: no exponents, no keys of locators, runs by their ids."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headwater.cli.connectors_asking import _place
from headwater.cli.printing import print_table, text_of


def test_numbers_have_no_exponents() -> None:
    assert [text_of(Decimal(text)) for text in ("0E-12", "0.00", "1E+3", "-0.0000000001", "12.50")] == [
        "0", "0", "1000", "-0.0000000001", "12.50",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("locator", "told"),
    [
        ({"by": "whole"}, "the whole table"),
        ({"by": "key_range", "key": ["site", "id"], "types": ["text", "bigint"], "from": ["7", "1200"], "to": None},
         "by key (site, id) from 7, 1200"),
        ({"by": "key_range", "key": ["id"], "types": ["bigint"], "from": None, "to": ["9"]}, "by key (id) to before 9"),
        ({"by": "time_window", "cursor": "changed", "types": ["date"], "from": "2026-01-01", "to": "2026-02-01"},
         "by changed from 2026-01-01 to before 2026-02-01"),
        ({"by": "blank", "columns": ["changed"]}, "rows without changed"),
        ({"by": "blank", "columns": ["changed"], "endless": True}, "rows whose changed has no end"),
        ({"page": 7, "token": None}, "page 7"),
    ],
)  # fmt: skip
def test_chunks_are_told_in_words(locator: dict[str, object], told: str) -> None:
    assert _place(locator) == told


RUN = "0190c1a2-7a2b-4c4d-8e8f-0123456789ab"


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_what_is_copied_stays_whole_and_words_fold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(["run", "why"], [(RUN, "a chunk of it is not loaded, and nothing was deleted")])
    told = printed(capsys)
    assert told[2].startswith(f"{RUN}   a chunk of it is")
    assert max(map(len, told)) <= 80


@pytest.mark.parametrize(
    "copied",
    [RUN, "a" * 64, "https://hooks.example.org/services/of/the/meters", "kim.long.name@sustainability.example"],
)
def test_where_a_table_would_be_broken_each_row_stands_one_column_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], copied: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = ["id", "source", "state", "when", "why"]
    row = (copied, "plant/public.meter_reading", "partial success", "2024-01-01 00:00:00 UTC", None)
    print_table(columns, [row, row], title="Runs")
    told = printed(capsys)
    assert told[:7] == [
        "", "Runs", f"id      {copied}", "source  plant/public.meter_reading", "state   partial success",
        "when    2024-01-01 00:00:00 UTC", "",
    ]  # fmt: skip
    assert sum(copied in line for line in told) == 2


def test_a_wide_terminal_has_it_as_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    print_table(["run", "source", "state"], [(RUN, "plant/public.meter_reading", "partial success")])
    assert printed(capsys)[2] == f"{RUN}   plant/public.meter_reading   partial success"
