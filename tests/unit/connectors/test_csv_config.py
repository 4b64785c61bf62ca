from __future__ import annotations

from typing import Any

import pytest

from headwater.connectors.csv_file import CsvConfig
from headwater.errors import Misuse


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ({"delimiter": ""}, "delimiter"),
        ({"delimiter": "::"}, "delimiter"),
        ({"delimiter": "a"}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": "→"}, "delimiter"),
        ({"quote": "''"}, "quote"),
        ({"comment": "//"}, "comment"),
        ({"preamble": -1}, "preamble"),
        ({"unnamed": -1}, "unnamed"),
        ({"line_end": "\r\n"}, "line_end"),
        ({"encoding": "utf-9"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
    ],
)
def test_a_wrong_option_is_misuse_and_named(said: dict[str, Any], option: str) -> None:
    with pytest.raises(Misuse) as refused:
        CsvConfig(**said)
    assert refused.value.where == f"source.{option}"
    assert refused.value.valid


def test_one_character_cannot_be_two_things() -> None:
    with pytest.raises(Misuse, match="three different characters"):
        CsvConfig(delimiter=";", quote=";")


def test_tab_and_no_quote_are_valid() -> None:
    config = CsvConfig(delimiter="\t", quote="", comment="", line_end="\r", encoding="UTF8")
    assert (config.delimiter, config.quote) == ("\t", "")
