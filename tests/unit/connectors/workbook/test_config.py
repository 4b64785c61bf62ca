from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater.connectors.workbook import SheetLayout, WorkbookConfig, read_workbook
from headwater.connectors.workbook.formats import Shown, shown_by
from headwater.errors import Misuse


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ({"format": "xlsb"}, "source.format"),
        ({"sheets": ()}, "source.sheets"),
        ({"sheets": ("",)}, "source.sheets"),
        ({"sheets": (1,)}, "source.sheets"),
        ({"header": 0}, "source.header"),
        ({"header": "1"}, "source.header"),
        ({"header": True}, "source.header"),
        ({"header_rows": 6}, "source.header_rows"),
        ({"units_row": -1}, "source.units_row"),
        ({"header": 4, "header_rows": 2, "units_row": 5}, "source.units_row"),
        ({"layouts": ("Data",)}, "source.layouts"),
        ({"layouts": ({"name": "Data"},)}, "source.layouts"),
        ({"layouts": ({"name": "Data", "header": 0, "columns": "A"},)}, "sheet Data"),
        ({"layouts": ({"name": "Data", "header": 1, "columns": "1:2"},)}, "sheet Data"),
    ],
)
def test_a_wrong_option_is_misuse_and_named(said: dict[str, Any], option: str) -> None:
    with pytest.raises(Misuse) as refused:
        WorkbookConfig(**said)
    assert option in str(refused.value)


def test_lists_and_objects_of_json_become_names_and_layouts() -> None:
    given: Any = {"sheets": ["a"], "layouts": [{"name": "a", "header": 2, "columns": "A:C,E"}]}
    config = WorkbookConfig(**given)
    assert config.sheets == ("a",)
    assert config.layouts == (SheetLayout(name="a", header=2, columns="A:C,E"),)


def test_reading_without_inspection_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse):
        read_workbook(tmp_path / "a.xlsx", WorkbookConfig(), name="a", decimal=".")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", None),
        ("0.00", None),
        ("#,##0.00 [$€-407]", None),
        ('0 "days"', None),
        ("0.00E+00", None),
        ("@", None),
        ('"per cent" 0', None),
        (r"0\%", Shown(signed=True)),
        ("0%", Shown(percent=True)),
        ("[Red]0.0%;-0.0%", Shown(percent=True)),
        ("dd/mm/yyyy", Shown(date=True)),
        ("[$-409]d-mmm-yy;@", Shown(date=True)),
        ("mmm", Shown(date=True)),
        ("mm", Shown(date=True)),
        ('yyyy"年"m"月"', Shown(date=True)),
        ("h:mm AM/PM", Shown(time=True)),
        ("mm:ss.0", Shown(time=True)),
        ("[h]:mm", Shown(time=True, elapsed=True)),
        ("yyyy-mm-dd hh:mm:ss.000", Shown(date=True, time=True)),
    ],
)
def test_a_format_says_what_a_number_is(code: str, shown: Shown | None) -> None:
    assert shown_by(code) == shown
