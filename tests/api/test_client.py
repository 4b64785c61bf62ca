"""A client made from the OpenAPI document by a generator of others, and used against the server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Api

PYTHON = os.environ.get("HEADWATER_CLIENT")
USE = """
import sys
from headwater_client import AuthenticatedClient
from headwater_client.api.contracts import contracts_show_contract as show_contract
from headwater_client.api.people import people_list_units as list_units, people_show_organisation as show_organisation
from headwater_client.api.quarantine import quarantine_list_refused as list_refused
from headwater_client.api.records import records_enter_records as enter_records, records_list_records as list_records
from headwater_client.api.records import records_trace_record as trace_record
from headwater_client.api.runs import runs_list_runs as list_runs, runs_show as show
from headwater_client.models import Entered, Problem, RunShown, Trace

url, token = sys.argv[1:]
row = {"activity_id": "CLIENT-1", "activity_type": "electricity", "region": "DE", "quantity": "5", "unit": "kWh"}
row["period_start"] = "2024-01-01"
rows = [row, {**row, "activity_id": "CLIENT-2", "quantity": "no"}]
with AuthenticatedClient(base_url=url, token=token) as client:
    entered = enter_records.sync("activity@1", client=client, body=Entered.from_dict({"records": rows}))
    print(entered.run.state, entered.run.ledger.inserted, entered.refused[0].findings[0].field)
    page = list_records.sync("activity@1", client=client, filter_=["activity_id:eq:CLIENT-1"], count=True)
    print(page.total, page.items[0].key, page.items[0].values["quantity"][0])
    missing = show.sync_detailed("00000000-0000-4000-8000-000000000000", client=client)
    print(missing.status_code, isinstance(missing.parsed, Problem), missing.parsed.field)
    contract = show_contract.sync("activity@1", client=client)
    print(contract.name, contract.fields[0].required, contract.rules[0].severity)
    (latest, *_) = list_runs.sync(client=client, limit=1).items
    print(latest.finished_at.tzinfo is not None, latest.run_id == entered.run.run_id)
    run = show.sync(str(latest.run_id), client=client)
    print(isinstance(run, RunShown), run.chunks.committed, run.findings.refused.additional_properties)
    (refused,) = list_refused.sync(client=client, run=str(latest.run_id)).items
    print(refused.findings[0].rule, refused.raw["quantity"])
    trace = trace_record.sync("activity@1", "CLIENT-1", client=client)
    print(isinstance(trace, Trace), trace.record.raw.line, trace.figure)
    print(show_organisation.sync(client=client).organisation, all(unit.path for unit in list_units.sync(client=client)))
"""
READ = """
succeeded_with_quarantine 1 quantity
1 CLIENT-1 5
404 True run
activity True reject
True True
True 1 {'activity.quantity.type': 1}
activity.quantity.type no
True 2 None
default True
"""
"""What the client above reads: objects with fields, and of these the types."""


@pytest.mark.long
@pytest.mark.skipif(not PYTHON, reason="HEADWATER_CLIENT does not name the Python of tools/client.lock")
def test_a_generator_makes_a_client_that_works(api: Api, tmp_path: Path) -> None:
    document, config, made = tmp_path / "openapi.json", tmp_path / "config.yaml", tmp_path / "made"
    document.write_bytes(httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).content)
    # What it makes is not tidied: that takes longer than to make it.
    types = {
        "application/problem+json": "application/json",
        "application/offset+octet-stream": "application/octet-stream",
    }
    config.write_text(json.dumps({"post_hooks": [], "content_type_overrides": types}))
    command = [
        str(PYTHON), "-m", "openapi_python_client", "generate", "--path", str(document), "--config", str(config),
        "--meta", "none", "--output-path", str(made / "headwater_client"), "--fail-on-warning",
    ]  # fmt: skip
    made.mkdir()
    generated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert generated.returncode == 0, generated.stdout + generated.stderr
    used = subprocess.run(
        [str(PYTHON), "-c", USE, api.url, api.tokens["default", "data_engineer"]],
        env={"PYTHONPATH": str(made), "PATH": os.defpath},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert used.stdout == READ.lstrip(), used.stdout + used.stderr
