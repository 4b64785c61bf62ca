"""The contracts of the packs beside `ghg`: published as they are, mappings that compile, rules that speak up."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.contracts import Document, enforce_row
from headwater.mapping import load_mapping
from headwater.packs import Pack
from headwater.packs.cbam import pack as cbam
from headwater.packs.companies import pack as companies
from headwater.packs.inventories import pack as inventories
from headwater.packs.targets import pack as targets
from headwater.values import TextFormat

PACKS = (cbam, companies, inventories, targets)
DOCUMENTS: dict[str, Document] = {document.reference: document for pack in PACKS for document in pack.documents()}

COMPANY = {"source": "s", "company_id": "c", "name": "C"}
ACCOUNTS = {"company_number": "005781133", "year_end": "2022-12-31", "consolidation": "company", "currency": "EUR"}
TARGET = {"target_id": "t", "company_id": "c", "action": "target", "target_type": "near_term"}
PLEDGE = {"source": "s", "actor_id": "a", "actor_name": "A", "actor_type": "city"}
LINE = {"source": "s", "territory": "KEN", "year": "2010", "category": "Energy", "gas": "all", "unit": "kt_co2e"}
LINE |= {"gwp_set": "AR4"}
INDICATOR = {"source": "s", "country": "ABW", "indicator": "i", "year": "2020", "amount": "180", "unit": "km2"}
IMPORT = {"import_id": "i", "importer_id": "e", "import_date": "2026-01-03", "cn_code": "72081000"}
IMPORT |= {"goods_category": "iron_steel", "origin_country": "TR", "net_mass": "520"}


def test_versions_and_fields_are_those_published() -> None:
    """A published document never changes: another hash needs another version."""
    assert {reference: document.hash.hex()[:16] for reference, document in DOCUMENTS.items()} == {
        "cbam_import@1.0.0": "a8674d3358695625",
        "company@1.0.0": "b475cf7014644d93",
        "company_accounts@1.0.0": "2caa268c58918134",
        "industry_code@1.0.0": "659a089979c2d38b",
        "national_inventory@1.0.0": "c06bf4c254233fc0",
        "country_indicator@1.0.0": "f860d7df0d9c0c5f",
        "sbti_target@1.0.0": "0307dea821b7cf9a",
        "climate_pledge@1.0.0": "118e6c506812068e",
    }


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_mappings_fill_what_is_required(pack: Pack) -> None:
    paths = sorted(Path(str(pack.mappings)).glob("*.yaml"))
    assert paths
    for path in paths:
        mapping = load_mapping(path)
        assert mapping.mapping == path.stem
        document = DOCUMENTS[f"{mapping.contract_name}@{mapping.contract_major}.0.0"]
        for variant in mapping.when or (None,):
            filled = mapping.fields.keys() | (variant.fields.keys() if variant else set())
            assert filled <= document.by_name.keys()
            assert {each.name for each in document.fields if each.required and each.default is None} <= filled


@pytest.mark.parametrize(
    ("contract", "good", "change", "broken"),
    [
        ("company", COMPANY, {}, []),
        ("company", COMPANY, {"lei": "254900BQVM5V0IY7RQ62", "isin": "TW0006282007"}, []),
        ("company", COMPANY, {"lei": "254900BQVM5V0IY7RQ63"}, ["company.lei.check_digits"]),
        ("company", COMPANY, {"lei": "254900BQVM5V0IY7RQ6"}, ["company.lei.pattern", "company.lei.check_digits"]),
        ("company", COMPANY, {"isin": "TW0006282008"}, ["company.isin.check_digit"]),
        ("company", COMPANY, {"isin": "TW0006282007; TW0006282008"}, []),
        ("company", COMPANY, {"updated": "1923-06-15"}, ["company.updated.plausible"]),
        ("company_accounts", ACCOUNTS, {"revenue": "-1"}, ["company_accounts.revenue.plausible"]),
        ("company_accounts", ACCOUNTS, {"revenue": "1", "net_income": "-11"},
         ["company_accounts.net_income.plausible"]),
        ("company_accounts", ACCOUNTS, {"revenue": "0", "net_income": "-11"}, []),
        ("sbti_target", TARGET, {"measure": "absolute", "reduction": "45.00%", "base_year": "2021"}, []),
        ("sbti_target", TARGET, {"base_year": "2030", "target_year": "2021"}, ["sbti_target.target_year.order"]),
        ("sbti_target", TARGET, {"target_type": ""}, ["sbti_target.target_type.given"]),
        ("sbti_target", TARGET, {"action": "commitment", "target_type": ""}, []),
        ("sbti_target", TARGET, {"measure": "absolute"}, ["sbti_target.base_year.given"]),
        ("sbti_target", TARGET, {"measure": "intensity", "reduction": "4.5", "base_year": "2021"},
         ["sbti_target.reduction.plausible"]),
        ("climate_pledge", PLEDGE, {"end_target": "no_target"}, []),
        ("climate_pledge", PLEDGE, {"end_target": "net_zero"}, ["climate_pledge.end_target_year.given"]),
        ("climate_pledge", PLEDGE, {"end_target_year": "2030", "interim_target_year": "2040"},
         ["climate_pledge.end_target_year.order"]),
        ("national_inventory", LINE, {}, []),
        ("national_inventory", LINE, {"unit": "kt"}, ["national_inventory.unit.gas"]),
        ("national_inventory", LINE, {"amount": "-50000001"}, ["national_inventory.amount.plausible"]),
        ("country_indicator", INDICATOR, {"amount": "510100001"}, ["country_indicator.amount.area"]),
        ("cbam_import", IMPORT, {"cn_code": "2523 29 00"}, ["cbam_import.cn_code.pattern"]),
        ("cbam_import", IMPORT, {"specific_emissions": "1.95", "embedded_emissions": "1014.02"},
         ["cbam_import.embedded_emissions.product"]),
        ("cbam_import", IMPORT, {"determination": "actual"},
         ["cbam_import.specific_emissions.given", "cbam_import.installation_id.given"]),
        ("cbam_import", IMPORT, {"import_date": "2022-01-03"}, ["cbam_import.import_date.scope"]),
    ],
)  # fmt: skip
def test_rules_speak_up(contract: str, good: dict[str, str], change: dict[str, str], broken: list[str]) -> None:
    result = enforce_row(DOCUMENTS[f"{contract}@1.0.0"], good | change, TextFormat(date_order="YMD"))
    assert [finding.rule_id for finding in result.findings] == broken
