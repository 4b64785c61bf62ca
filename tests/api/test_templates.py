"""The workbook to fill in of every contract, fetched, filled in with its own example, and sent back."""

from __future__ import annotations

import io
import uuid

import httpx
import openpyxl

from headwater.services.access.policy import Right, Role
from headwater.services.contract_forms import is_rested_on
from headwater.services.contracts_view import list_contracts
from tests.api.conftest import Api, token_of
from tests.api.test_imports import TUS, ended
from tests.api.test_undecided_imports import loaded, send
from tests.filled import DATA, FIELDS, example_in, filled

LOADABLE = [document.reference for document in list_contracts() if document.calculated_from is None]


def test_of_every_contract_one_filled_in_with_its_example_is_loaded_without_a_mapping(api: Api) -> None:
    with api.client("admin") as client:
        imports = {}
        for reference in LOADABLE:
            template = client.get(f"/contracts/{reference}/template.xlsx").content
            book, example = openpyxl.load_workbook(io.BytesIO(template)), example_in(template)
            assert (book.sheetnames[0], set(book.sheetnames) - {"lists"}) == (DATA, {DATA, FIELDS})
            assert all(cell.comment is not None for cell in book[DATA][1])
            assert example.keys() <= {cell.value for cell in book[DATA][1]}
            imports[reference] = send(client, f"{reference}.xlsx", filled(template, example))
        for reference, import_id in imports.items():
            if is_rested_on(list_contracts(), reference):  # it waits for somebody's yes
                waiting = ended(client, import_id, "inspected", "refused", "planned")
                assert (waiting["state"], waiting["found"]["contract"]) == ("inspected", reference), waiting
                client.post(f"/imports/{import_id}/mapping", json={"mapping": reference}).raise_for_status()
            assert (reference, loaded(client, import_id)) == (reference, {"inserted": 1, "quarantined": 0})
            assert ended(client, import_id)["mapping"] == reference


def test_factors_in_a_template_wait_for_who_may_change_them(api: Api) -> None:
    factor = f"waits-{uuid.uuid4().hex[:8]}"
    scopes = (Right.READ, Right.WRITE)
    text = token_of(api.database.database, api.tenants["default"], Role.DATA_ANALYST, scopes=scopes)
    with api.client("admin") as admin:
        template = admin.get("/contracts/emission_factor/template.xlsx").content
        content = filled(template, {**example_in(template), "factor_id": factor})
        with httpx.Client(
            base_url=f"{api.url}/api/v1", headers={"Authorization": f"Bearer {text}"}, timeout=60
        ) as writer:
            import_id = send(writer, "factors.xlsx", content)
            assert ended(writer, import_id, "inspected", "refused", "planned")["state"] == "inspected"
            for mapping in ("emission_factor@1", "emission_factor_form"):
                refused = writer.post(f"/imports/{import_id}/mapping", json={"mapping": mapping})
                assert (refused.status_code, refused.json()["value"]) == (403, "transform")
                named = {"name": "factors.xlsx", "mapping": mapping}
                at_once = writer.post("/imports", params=named, content=content, headers=TUS)
                assert (at_once.status_code, at_once.json()["value"]) == (403, "transform")
            shown = writer.get(f"/imports/{import_id}").json()
            assert (shown["state"], shown["mapping"], shown["found"]["contract"]) == (
                "inspected", None, "emission_factor@1.2.0",
            )  # fmt: skip
        assert admin.get(f"/factors/{factor}").status_code == 404
        admin.post(f"/imports/{import_id}/mapping", json={"mapping": "emission_factor@1"}).raise_for_status()
        assert loaded(admin, import_id) == {"inserted": 1, "quarantined": 0}
        assert admin.get(f"/factors/{factor}").json()["factor_id"] == factor


def test_its_columns_have_lists_and_notes_and_none_is_of_the_example(api: Api) -> None:
    with api.client("viewer") as client:
        content = client.get("/contracts/activity@1/template.xlsx").content
    data = openpyxl.load_workbook(io.BytesIO(content))[DATA]
    assert [cell.value for cell in data[1]][:2] == ["activity_id", "activity_type"]
    assert len(data.data_validations.dataValidation) >= 1
    assert data.max_row == 1
    assert "For example: 1204.5" in str(next(cell for cell in data[1] if cell.value == "quantity").comment)


def test_it_is_read_by_a_mapping_that_is_named_as_well(api: Api) -> None:
    with api.client("admin") as client:
        template = client.get("/contracts/activity/template.xlsx").content
        example = example_in(template)
        for mapping in ("activity_form", "activity@1"):
            content = filled(template, {**example, "activity_id": f"BY-{mapping}"})
            import_id = send(client, "activity.xlsx", content, mapping=mapping)
            assert loaded(client, import_id) == {"inserted": 1, "quarantined": 0}
        factors = client.get("/contracts/emission_factor/template.xlsx").content
        content = filled(factors, {**example_in(factors), "factor_id": "by-form"})
        import_id = send(client, "factors.xlsx", content, mapping="emission_factor_form")
        assert loaded(client, import_id) == {"inserted": 1, "quarantined": 0}


def test_what_a_contract_refuses_of_a_template_waits_in_quarantine(api: Api) -> None:
    with api.client("data_analyst") as client:
        template = client.get("/contracts/activity/template.xlsx").content
        example = example_in(template)
        wrong = {**example, "activity_id": "T-BAD", "currency": "A-1"}
        import_id = send(client, "activity.xlsx", filled(template, {**example, "activity_id": "T-GOOD"}, wrong))
        assert loaded(client, import_id) == {"inserted": 1, "quarantined": 1}


def test_there_is_none_of_what_is_calculated(api: Api) -> None:
    with api.client("viewer") as client:
        refused = client.get("/contracts/emission/template.xlsx")
        assert (refused.status_code, "calculated from activity" in refused.text) == (422, True)


def test_a_mapping_in_the_form_of_a_contract_is_shown_as_others_are(api: Api) -> None:
    with api.client("viewer") as client:
        shown = client.get("/mappings/erp.travel@1").json()
        assert (shown["name"], shown["contract"], shown["origin"]) == ("erp_travel_v1_form", "erp.travel@1", "contract")
        assert client.get("/mappings/nothing@1").status_code == 404
