from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.csv_file import is_utf8, to_utf8
from headwater.connectors.csv_file.encoding import find_encoding
from headwater.errors import InputRefused

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {
    "German": ("Gebäude;Straße\nHauptgebäude;Königstraße 5\n", ["cp1252", "cp850", "mac-roman"]),
    "French": ("nom;note\nÉlectricité;12 €\nChauffage à gaz;d’été\n", ["cp1252"]),
    "units": ("name;unit\nflow;m³\ntemperature;°C\n", ["cp1252"]),
    "Polish": ("nazwa;ilość\nŁódź, Żółkiewskiego;5\nWrocław;6\n", ["cp1250", "iso8859-2"]),
    "Hungarian": ("név;mennyiség\nGyőr fűtés;5\nFő utca;6\n", ["cp1250"]),
    "Romanian": ("nume;cantitate\nenergie electrică şi apă;5\nîncălzire Bucureşti;6\n", ["cp1250"]),
    "Turkish": ("isim;miktar\nİstanbul ışık;5\nçelik üretimi ağır;6\n", ["cp1254"]),
    "Russian": ("название;число\nЭлектричество;5\nПриродный газ;7\n", ["cp1251", "koi8-r"]),
    "Greek": ("όνομα;ποσότητα\nΗλεκτρισμός;5\nφυσικό αέριο;6\n", ["cp1253"]),
}


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("text", "encoding"), [(text, name) for text, names in TEXTS.values() for name in names])
def test_an_encoding_found_reads_the_text_as_it_was_written(tmp_path: Path, text: str, encoding: str) -> None:
    found = find_encoding(written(tmp_path, text.encode(encoding)))
    assert text.encode(encoding).decode(found.name) == text
    assert 0.8 <= found.confidence < 1
    assert found.evidence


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"a,b\n", "utf-8"),
        ("a,é\n".encode(), "utf-8"),
        ("a,b\n".encode("utf-8-sig"), "utf-8"),
        ("a,é\n".encode("utf-16"), "utf-16"),
        ("a,é\n".encode("utf-32"), "utf-32"),
        ("a,é,b\n".encode("utf-16-le"), "utf-16-le"),
        ("a,é,b\n".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_unicode_is_proved(tmp_path: Path, data: bytes, name: str) -> None:
    found = find_encoding(written(tmp_path, data))
    assert found.name == name
    assert found.confidence == 1


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("名前,数量\n電気の使用量,5\n天然ガス,6\n", "shift_jis"),
        ("名称,数量\n电力消耗,5\n天然气,6\n", "gbk"),
        ("name;place\na;Ø\xbc\xff\n", "latin-1"),
    ],
)
def test_a_guess_is_refused_and_the_option_named(tmp_path: Path, text: str, encoding: str) -> None:
    path = written(tmp_path, text.encode(encoding))
    with pytest.raises(InputRefused, match=r"Set source\.encoding"):
        find_encoding(path)
    assert find_encoding(path, encoding).confidence == 1


def test_a_damaged_byte_in_utf8_is_shown_where_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "name\nété\nréseau\n".encode() + b"caf\xe9\n")
    with pytest.raises(InputRefused, match="offset 22 is not UTF-8") as refused:
        find_encoding(path)
    assert refused.value.where == "file.csv, line 4"


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="zero byte at offset 4"):
        find_encoding(written(tmp_path, b"abc\n\0\1\2\3\4\5"))


@pytest.mark.parametrize(
    ("name", "yes"), [("UTF8", True), ("utf-8-sig", True), ("ascii", True), ("utf-16", False), ("cp1252", False)]
)
def test_what_is_read_as_it_is(name: str, yes: bool) -> None:
    assert is_utf8(name) is yes


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])), encoding=st.sampled_from(["utf-8", "utf-16", "utf-32-be"])
)
def test_transcoding_changes_no_character(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    path = written(tmp_path_factory.mktemp("text"), text.encode(encoding))
    out = io.BytesIO()
    to_utf8(path, encoding, out)
    assert out.getvalue() == text.encode()


@pytest.mark.parametrize(
    ("data", "encoding", "offset"),
    [
        (b"a\n" * 600_000 + b"b\x81\n", "cp1252", 1_200_001),
        ("a\n".encode("utf-16-le") * 300_000 + b"\x00\xdc\n\x00", "utf-16-le", 1_200_000),
        (b"a\n" * 600_000 + b"\xe2\x82", "utf-8", 1_200_000),
    ],
)
def test_the_first_byte_that_is_not_text_is_named(tmp_path: Path, data: bytes, encoding: str, offset: int) -> None:
    with pytest.raises(InputRefused, match=f"offset {offset} is not") as refused:
        to_utf8(written(tmp_path, data), encoding, io.BytesIO())
    assert refused.value.where == f"file.csv, line {data[:offset].decode(encoding).count(chr(10)) + 1}"
