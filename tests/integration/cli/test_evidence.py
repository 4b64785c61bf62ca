"""`headwater trace` and `verify`: a figure followed from the command line, and evidence that holds or does not."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors
from tests.servers import Installation


@pytest.fixture
def loaded(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    """One activity with its figure."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    (tmp_path / "meters.csv").write_text(activities([{"activity_id": "a", "quantity": "10"}]))
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "meters.csv", "-m", form).code == 0
    return headwater


def test_a_figure_is_followed_to_its_line(loaded: Headwater) -> None:
    done = loaded("trace", "emission", "a")
    assert done.code == 0
    for part in ("10 kWh × 0.5 kg CO2e/kWh = 5 kg CO2e", "meters.csv, line 2", "the same figures", "audit entry"):
        assert part in done.out
    body = loaded("trace", "emission", "a", "--json").json
    assert body["figure"]["recomputed"] is True
    assert body["record"]["raw"]["line"] == 2
    assert loaded("trace", "activity", "a", "--json").json["figure"] is None


def test_the_audit_chain_is_listed_the_latest_first_by_who_what_and_when(loaded: Headwater) -> None:
    def seqs(*options: str) -> list[int]:
        body = loaded("audit", "list", "--limit", "1000", "--json", *options).json
        assert body["total"] == len(body["entries"])
        return [each["seq"] for each in body["entries"]]

    whole = seqs()
    assert whole == sorted(whole, reverse=True)
    assert whole[-1] == 1
    ended = loaded("audit", "list", "--action", "run.ended", "--limit", "1", "--json").json
    (entry,) = ended["entries"]
    assert (entry["action"], ended["total"]) == ("run.ended", 2)
    of_run = seqs("--object", entry["resource"])
    assert entry["seq"] in of_run
    assert 0 < len(of_run) < len(whole)
    assert seqs("--before", "3") == [2, 1]
    assert seqs("--since", entry["at"]) == [seq for seq in whole if seq >= entry["seq"]]
    assert (seqs("--since", "2020-01-01"), seqs("--since", "2999-01-01T00:00:00Z")) == (whole, [])
    assert (seqs("--who", entry["actor"]), seqs("--who", "nobody")) == (whole, [])
    shown = loaded("audit", "list", "--limit", "1").out
    assert f"1 of {len(whole)} entries shown" in shown
    assert whole[0] == int(shown.splitlines()[2].split()[0])
    wrong = loaded("audit", "list", "--since", "yesterday")
    assert (wrong.code, "2026-01-31" in wrong.err) == (2, True)


def test_what_cannot_be_traced_is_said(loaded: Headwater) -> None:
    assert loaded("trace", "emission", "b").code == 2
    assert loaded("trace", "emission", "a", "--gwp-set", "AR6").code == 2
    done = loaded("trace", "activity", "a", "--method", "location_based")
    assert done.code == 2
    assert "only an emission" in done.err


def test_evidence_holds_until_a_figure_is_changed(loaded: Headwater, installation: Installation) -> None:
    done = loaded("verify", "--json")
    assert done.code == 0
    anchor = done.json["anchor"]
    assert anchor in loaded("verify", "--anchor", anchor).out
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("UPDATE emission_v1 SET co2e_kg = co2e_kg + 1")
    done = loaded("verify")
    assert done.code == 1
    assert "The evidence does not hold." in done.out
    assert re.search(r"^- emission_v1, a\|\S+: co2e_kg is 6\S* and should be 5\S* \(", done.out, re.MULTILINE), done.out
    assert loaded("verify", "--anchor", "nonsense").code == 2


def test_a_report_is_one_page_named_after_its_run(loaded: Headwater, tmp_path: Path) -> None:
    run = loaded("runs", "list", "--json").json["runs"][0]["run_id"]
    done = loaded("report", run[:8])
    assert done.code == 0
    assert done.out == f"written to report-{run[:8]}.html\n"
    assert run in (tmp_path / f"report-{run[:8]}.html").read_text(encoding="utf-8")
    assert loaded("report", run, "--out", "there/is/no/such/folder.html").code == 2
