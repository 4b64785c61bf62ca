from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headwater.connectors.inspection import Inspection
from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.errors import InputRefused

if TYPE_CHECKING:
    from pathlib import Path


def inspect(tmp_path: Path, text: str | bytes, **said: Any) -> Inspection[NestedConfig]:
    path = tmp_path / "file.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return inspect_nested(path, NestedConfig(format="xml", **said), name="file.xml")


def load(tmp_path: Path, text: str | bytes, **said: Any) -> list[dict[str, str]]:
    config = inspect(tmp_path, text, **said).config
    batches = read_nested(tmp_path / "file.xml", config, name="file.xml", decimal=",").batches
    return [row for batch in batches for row in batch.rows.to_pylist()]


def refused(tmp_path: Path, text: str | bytes, **said: Any) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        load(tmp_path, text, **said)
    return error.value


def test_attributes_children_and_their_children_are_columns(tmp_path: Path) -> None:
    text = """<?xml version="1.0"?><r><!-- c --><head>x</head>
      <site id="1"><name> Kisumu </name><at><lat unit="deg">1.50</lat></at><note/></site>
      <site id="2"><at><lat>2</lat></at><name><![CDATA[a<b]]>&amp;</name></site></r>"""
    found = inspect(tmp_path, text)
    assert (found.config.records, found.header_line, found.sample_lines) == ("r/site", 0, (1, 2))
    assert load(tmp_path, text) == [
        {"@id": "1", "name": " Kisumu ", "at.lat.@unit": "deg", "at.lat": "1.50", "note": ""},
        {"@id": "2", "name": "a<b&", "at.lat.@unit": "", "at.lat": "2", "note": ""},
    ]


def test_children_that_are_repeated_in_any_record_are_json_in_all(tmp_path: Path) -> None:
    rows = load(tmp_path, '<r><s><t>a</t></s><s><t>b</t><t k="1">c<u/>d</t></s><s/></r>')
    assert [row["t"] for row in rows] == ['["a"]', '["b",{"@k":"1","u":"","#text":"cd"}]', ""]


def test_namespaces_are_left_out_where_names_stay_different(tmp_path: Path) -> None:
    text = (
        '<a:r xmlns:a="urn:a" xmlns:b="urn:b" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<a:s b:k="1"><a:n>x</a:n><b:n>y</b:n></a:s><a:s><a:n xsi:nil="true"/></a:s></a:r>'
    )
    assert load(tmp_path, text) == [{"@k": "1", "n": "x", "n_2": "y"}, {"@k": "", "n": "", "n_2": ""}]


def test_texts_alone_are_records_too(tmp_path: Path) -> None:
    assert load(tmp_path, "<r><v>1</v><v/><v>3</v></r>") == [{"#text": "1"}, {"#text": ""}, {"#text": "3"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('<r><a x="1"/><a x="2"/><b x="1"/><b x="2"/></r>', "r/a, r/b"),
        ('<r><a x="1"/></r>', "r, r/a"),
        ("<r/>", "r"),
    ],
)
def test_a_doubt_names_the_option_and_the_candidates(tmp_path: Path, text: str, shown: str) -> None:
    error = refused(tmp_path, text)
    assert error.value == shown
    assert "Set source.records" in (error.remedy or "")


def test_the_records_can_be_said(tmp_path: Path) -> None:
    text = '<r><a x="1"/><g><a x="2"/></g><g><a x="3"/></g></r>'
    assert load(tmp_path, text, records="r/g/a") == [{"@x": "2"}, {"@x": "3"}]
    assert load(tmp_path, "<r><g/></r>", records="r/g/a") == []
    assert "leads nowhere" in refused(tmp_path, text, records="r/h/a").what


def test_repeated_texts_beside_the_records_raise_no_doubt(tmp_path: Path) -> None:
    found = inspect(tmp_path, '<r><note>x</note><note>y</note><s id="1"/><s id="2"/></r>')
    assert (found.config.records, found.confidence) == ("r/s", 0.85)


@pytest.mark.parametrize(
    "data",
    [
        '<?xml version="1.0" encoding="windows-1252"?><r><v>é€</v><v/></r>'.encode("cp1252"),
        '<?xml version="1.0" encoding="UTF-16"?><r><v>é€</v><v/></r>'.encode("utf-16"),
        '<?xml version="1.0" encoding="gb18030"?><r><v>é€</v><v/></r>'.encode("gb18030"),
        "\ufeff<r><v>é€</v><v/></r>".encode(),
    ],
)
def test_the_encoding_is_the_marked_or_declared_one(tmp_path: Path, data: bytes) -> None:
    assert load(tmp_path, data)[0] == {"#text": "é€"}


BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r><v>&b;</v><v/></r>'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BOMB, "document type"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "document type"),
        ("<r><v>&x;</v><v/></r>", "not well-formed"),
        ("<r><v></r>", "not well-formed"),
        ("<r><v/><v/>", "not well-formed"),
        ("<r/><r/>", "not well-formed"),
        ("<r>" + "<a>" * 100 + "</a>" * 100 + "</r>", "nested more than 100"),
        ("<r " + " ".join(f'a{n}=""' for n in range(1001)) + "/>", "too many attributes"),
        ("<r><v>" + "x" * 17_000_000 + "</v><v/></r>", "longer than 16 MB"),
        ("<r><v a='" + "x" * 17_000_000 + "'/><v/></r>", "longer than 16 MB"),
        ('<?xml version="1.0" encoding="klingon"?><r/>', "encoding that the file declares"),
        ('<?xml version="1.0" encoding="ascii"?><r>é</r>'.encode("cp1252"), "is not UTF-8 text"),
        ("", "empty"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_what_is_refused_is_refused_in_words(tmp_path: Path, text: str | bytes, what: str) -> None:
    assert what in refused(tmp_path, text).what


def test_many_records_are_read_one_by_one(tmp_path: Path) -> None:
    rows = load(tmp_path, "<r>" + "".join(f"<v n='{n}'>é</v>" for n in range(20_000)) + "</r>")
    assert [row["@n"] for row in rows] == [str(n) for n in range(20_000)]
