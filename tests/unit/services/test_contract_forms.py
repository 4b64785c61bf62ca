from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from headwater.connectors.files import FileConfig, inspect_file
from headwater.contracts import Document, enforce_row
from headwater.errors import Misuse, NotFound
from headwater.mapping import compile_mapping
from headwater.services.contract_forms import contract_named_by, form_of
from headwater.services.contracts_view import find_contract, list_contracts
from headwater.services.examples import example_of, made_of
from headwater.services.templates import template
from headwater.values import OWN_FORMAT
from tests.filled import filled

LOADABLE = [document for document in list_contracts() if document.calculated_from is None]


@pytest.mark.parametrize("document", LOADABLE, ids=lambda document: str(document.reference))
def test_the_example_of_a_contract_breaks_none_of_its_rules(document: Document) -> None:
    example = example_of(document)
    assert {spec.name for spec in document.fields if spec.required or spec.key} <= example.keys()
    assert enforce_row(document, example, OWN_FORMAT).findings == ()


@pytest.mark.parametrize("document", LOADABLE, ids=lambda document: str(document.reference))
def test_an_example_that_is_made_says_nothing_that_the_contract_refuses(document: Document) -> None:
    made = made_of(document)
    assert made
    refused = [each for each in enforce_row(document, made, OWN_FORMAT).findings if each.severity == "reject"]
    assert not {each.field for each in refused} & made.keys()


@pytest.mark.parametrize("document", LOADABLE, ids=lambda document: str(document.reference))
def test_a_contract_is_a_mapping_of_its_own_form_and_always_the_same_one(document: Document) -> None:
    mapping = form_of([document], document.reference)
    compile_mapping(mapping, document, [spec.name for spec in document.fields])
    assert mapping.hash == form_of([document], f"{document.name}@{document.major}").hash


def test_the_mapping_of_a_form_depends_on_contract_and_version_alone() -> None:
    """What a later version says of itself in other words makes no other mapping of this one."""
    now = find_contract("activity")
    later = replace(now, version="1.99.0", title="Activities, told otherwise")
    assert form_of([later], now.reference).hash == form_of([now], now.reference).hash


def test_a_workbook_of_an_earlier_version_is_read_by_the_fields_there_were() -> None:
    now = find_contract("activity")
    mapping = form_of([now], "activity@1.0.0")
    assert list(mapping.fields) == [spec.name for spec in now.first]
    assert (mapping.mapping, mapping.version, mapping.contract) == ("activity_v1_form", "1.0.0", "activity@1")
    compile_mapping(mapping, now, [spec.name for spec in now.first])


def test_a_version_that_is_not_known_and_a_contract_that_is_not_there_are_refused() -> None:
    with pytest.raises(Misuse, match=r"up to activity@1\."):
        form_of([find_contract("activity")], "activity@1.99.0")
    with pytest.raises(NotFound, match="activity@1"):
        form_of([find_contract("activity")], "activity@9")


def test_a_workbook_says_of_which_contract_it_is_also_with_sheets_of_ones_own(tmp_path: Path) -> None:
    document = find_contract("activity")
    path = tmp_path / "filled.xlsx"
    path.write_bytes(filled(template(document), example_of(document)))
    found = inspect_file(path, FileConfig())
    assert (found.contract, found.confidence) == (document.reference, 1.0)
    assert found.columns == tuple(spec.name for spec in document.fields)
    assert contract_named_by(path) == document.reference
    book = openpyxl.load_workbook(path)
    notes = book.create_sheet("my notes", 0)
    for number in range(40):
        notes.append([f"meter {number}", number, "read by", "Ann"])
    book.save(path)
    assert contract_named_by(path) == document.reference
    assert inspect_file(path, FileConfig()).columns == found.columns


def test_of_any_other_file_a_mapping_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "meters.csv"
    path.write_text("a,b\n1,2\n")
    for asked in (path, tmp_path, tmp_path / "none.csv"):
        with pytest.raises(Misuse, match="a mapping is needed"):
            contract_named_by(asked)


def test_a_name_in_the_sheet_of_fields_that_is_no_contract_is_none(tmp_path: Path) -> None:
    document = replace(find_contract("activity"), version="one")
    path = tmp_path / "filled.xlsx"
    path.write_bytes(filled(template(document), example_of(find_contract("activity"))))
    with pytest.raises(Misuse, match="a mapping is needed"):
        contract_named_by(path)
