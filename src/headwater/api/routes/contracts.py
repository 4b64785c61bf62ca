"""Contracts: what a record must be, in every form, and a workbook to fill in."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import Query, Response

from headwater.api.access import Here, needs, router
from headwater.services import contracts_view
from headwater.services.access.policy import Right
from headwater.services.answers.contracts import ContractListed, ContractsCompared, ContractShown
from headwater.services.contracts_view import loadable
from headwater.services.templates import template

routes = router("contracts")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {"json-schema": "application/schema+json", "odcs": "application/yaml", "ddl": "text/plain"}


@routes.get("/contracts", **needs(Right.READ))
def list_contracts(here: Here) -> list[ContractListed]:
    """Every version of every contract of this installation."""
    here.require(Right.READ)
    return [
        {
            "name": each.name,
            "version": each.version,
            "title": each.title,
            "description": each.description,
            "key": [spec.name for spec in each.key],
            "fields": len(each.fields),
            "calculated_from": each.calculated_from,
            "hash": each.hash.hex(),
        }
        for each in contracts_view.list_contracts()
    ]


@routes.get("/contracts/{reference}", **needs(Right.READ, 404))
def show_contract(here: Here, reference: str) -> ContractShown:
    """A contract (`activity`, `activity@1`, `activity@1.2.0`) with its fields and rules."""
    here.require(Right.READ)
    found: ContractShown = json.loads(contracts_view.find_contract(reference).to_json())
    return found


@routes.get("/contracts/{reference}/template.xlsx", response_class=Response, **needs(Right.READ, 404))
def show_template(here: Here, reference: str) -> Response:
    """A workbook to fill in: lists of allowed values, a note on every column, an example. Filled in it is imported
    without a mapping, for it says of which contract it is.
    """
    here.require(Right.READ)
    found = loadable(contracts_view.find_contract(reference), where="contract")
    name = f"{found.name}-{found.version}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(template(found), media_type=XLSX, headers=headers)


@routes.get("/contracts/{reference}/{form}", response_class=Response, **needs(Right.READ, 404))
def export_contract(here: Here, reference: str, form: Literal["json-schema", "odcs", "ddl"]) -> Response:
    """A contract in a form that other tools read."""
    here.require(Right.READ)
    return Response(contracts_view.export_contract(reference, form), media_type=MEDIA[form])


@routes.get("/contract-changes", **needs(Right.READ, 404))
def compare_contracts(
    here: Here, old: Annotated[str, Query(description="The version before.")], new: Annotated[str, Query()]
) -> ContractsCompared:
    """What changed from one version of a contract to another, and which version such changes ask for."""
    here.require(Right.READ)
    found = contracts_view.compare(old, new)
    return {
        "old": found.old.reference,
        "new": found.new.reference,
        "advice": {"version": found.advice.version, "enough": found.advice.enough},
        "changes": [{"what": each.what, "why": each.why, "breaking": each.breaking} for each in found.changes],
    }
