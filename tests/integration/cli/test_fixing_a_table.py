"""`headwater quarantine fix` for a table that a connector reads: what syncs have read is read by both versions."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.services.quarantine import effects
from tests.integration.cli.conftest import Ended, Headwater, Lab, resubmitted
from tests.river import River
from tests.synced import MAPPING, Synced

SYNC = ("connectors", "sync", "lab", "-t", "a", "--cursor", "changed_at")
SAID = ("--rule", "activity.quantity.ambiguous", "--from", "12,5", "--to", "12.5")
BY_SIGN, BY_TEXT = ("--as", "decimal-sign", "--out", "sign.yaml"), ("--as", "same-text", "--out", "text.yaml")


@pytest.fixture
def table(headwater: Headwater, full_lab: Lab) -> Lab:
    """40 rows with amounts as texts, three of them written otherwise; three have no unit, one of these among them."""
    fields = MAPPING["fields"] | {"quantity": {"column": "amount"}, "unit": {"column": "unit"}}  # type: ignore[operator]
    full_lab.mapping.write_text(yaml.safe_dump({**MAPPING, "fields": fields}))
    full_lab.change(
        "ALTER TABLE a ADD COLUMN amount TEXT",
        "ALTER TABLE a ADD COLUMN unit TEXT",
        "UPDATE a SET amount = CAST(kwh AS TEXT), unit = 'kWh'",
        "UPDATE a SET amount = '12,5' WHERE reading_id IN (10, 11, 12)",
        "UPDATE a SET unit = NULL WHERE reading_id IN (3, 4, 12)",
    )
    assert headwater(*SYNC, "-m", full_lab.mapping).code == 3
    return full_lab


def fix(headwater: Headwater, *options: str) -> Ended:
    return headwater("quarantine", "fix", *SAID, *options)


def offers(headwater: Headwater) -> dict[str, Any]:
    return {offer["as"]: offer for offer in fix(headwater, "--json").json["offers"]}


def mend(headwater: Headwater, reading: str) -> Ended:
    """This record is sent again with amount and unit as they should be, the others as they are."""
    return resubmitted(
        headwater,
        lambda row: {"unit": "kWh", "amount": row["amount"].replace(",", ".")} if row["reading_id"] == reading else {},
    )


@pytest.mark.usefixtures("table")
def test_a_change_that_would_refuse_what_stands_is_not_applied(headwater: Headwater, river: River) -> None:
    told = fix(headwater, "--json").json
    assert (told["looked_at"], told["not_compared"]) == (40, None)
    by_sign, by_text = offers(headwater)["decimal-sign"], offers(headwater)["same-text"]
    assert (by_sign["moved"], by_sign["moved_as"]) == (35, {"changed": 0, "refused": 35})
    assert (by_text["moved"], len(by_text["would_load"])) == (0, 2)
    shown = " ".join(fix(headwater).out.split())
    assert "of the 40 that the last sync of the whole table has read" in shown
    assert "--as same-text --apply" in shown

    refused = fix(headwater, *BY_SIGN, "--apply")
    assert refused.code == 2
    assert "35 records that stand would be read otherwise, too" in refused.err
    assert "headwater connectors sync lab --table a --mapping FILE" in refused.err
    assert river.rows("SELECT count(*) AS runs FROM runs WHERE kind = 'resubmit'") == [{"runs": 0}]

    saved = fix(headwater, *BY_SIGN)
    tried = shlex.split(saved.out.splitlines()[-1])
    assert tried == ["headwater", *shlex.split("connectors sync lab --table a --mapping sign.yaml --dry-run")]
    (trial,) = headwater(*tried[1:], "--json").json["dry_run"]
    assert (trial["quarantined"], trial["unchanged"]) == (38, 0)


def test_what_changes_nothing_that_stands_is_applied_and_the_next_sync_goes_on(
    headwater: Headwater, table: Lab
) -> None:
    state = headwater("connectors", "state", "lab", "--json").json
    applied = fix(headwater, *BY_TEXT, "--apply", "--json")
    assert (applied.code, applied.json["ledger"]["inserted"], applied.json["ledger"]["quarantined"]) == (3, 2, 1)
    assert headwater("connectors", "state", "lab", "--json").json == state
    table.change("UPDATE a SET amount = '7', changed_at = '2024-07-01 00:00:00' WHERE reading_id = 5")
    again = headwater(*SYNC, "-m", "text.yaml", "--json").json
    assert (again["ledger"]["read"], again["ledger"]["updated"], again["warnings"]) == (2, 1, [])
    (trial,) = headwater("connectors", "sync", "lab", "-t", "a", "-m", "text.yaml", "--dry-run", "--json").json[
        "dry_run"
    ]
    assert (trial["unchanged"], trial["loaded"], trial["quarantined"]) == (37, 0, 3)
    assert headwater("verify").code == 0


def test_of_a_row_that_several_syncs_have_read_the_newest_reading_counts(headwater: Headwater, table: Lab) -> None:
    """Amounts without decimals are read alike by either sign."""
    table.change("UPDATE a SET amount = '7', changed_at = '2024-07-01 00:00:00' WHERE reading_id IN (5, 6)")
    headwater(*SYNC, "-m", table.mapping)
    table.change("UPDATE a SET amount = '8', changed_at = '2024-07-02 00:00:00' WHERE reading_id = 6")
    headwater(*SYNC, "-m", table.mapping)
    assert offers(headwater)["decimal-sign"]["moved"] == 33
    told = fix(headwater)
    assert "of the 45 that the last sync of the whole table and 2 syncs since have read" in told.out
    headwater("connectors", "sync", "lab", "-t", "a", "-m", table.mapping)
    assert "of the 40 that the last sync of the whole table has read" in fix(headwater).out


def test_what_the_mapping_itself_has_changed_since_is_not_counted_as_done_by_the_fix(
    headwater: Headwater, table: Lab
) -> None:
    """All rows stand as 1.0.0 has made them; 1.1.0, which is amended, names a supplier for each."""
    mapping = yaml.safe_load(table.mapping.read_text())
    mapping |= {"version": "1.1.0", "fields": mapping["fields"] | {"supplier": {"constant": "Northwind"}}}
    table.mapping.write_text(yaml.safe_dump(mapping))
    table.change("UPDATE a SET amount = '7', changed_at = '2024-07-01 00:00:00' WHERE reading_id = 5")
    headwater(*SYNC, "-m", table.mapping)
    by_sign, by_text = offers(headwater)["decimal-sign"], offers(headwater)["same-text"]
    assert (by_text["mapping"], by_text["moved"]) == ("meter_readings 1.2.0", 0)
    assert by_sign["moved_as"] == {"changed": 0, "refused": 34}
    assert "otherwise than by mapping meter_readings 1.1.0" in " ".join(fix(headwater).out.split())
    assert fix(headwater, *BY_TEXT, "--apply", "--json").json["ledger"]["inserted"] == 2


@pytest.mark.usefixtures("table")
def test_what_was_deleted_by_hand_is_not_counted(headwater: Headwater) -> None:
    assert headwater("records", "delete", "activity", "5", "6", "--reason", "counted twice").code == 0
    assert offers(headwater)["decimal-sign"]["moved_as"] == {"changed": 0, "refused": 33}


def test_more_syncs_than_are_looked_through_leave_it_unknown(
    headwater: Headwater, table: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "MOST_SYNCS", 2)
    for day in (1, 2):
        assert offers(headwater)["same-text"]["moved"] == 0
        table.change(f"UPDATE a SET amount = '7', changed_at = '2024-07-0{day} 00:00:00' WHERE reading_id = 5")
        for _ in range(4):  # all but the first read that row alone again, and count as one
            headwater(*SYNC, "-m", table.mapping)
    told = fix(headwater, "--json").json
    assert [offer["moved"] for offer in told["offers"]] == [None, None]
    assert told["not_compared"] == "more than 2 syncs have read what had changed since one read all of the table"
    refused = fix(headwater, *BY_TEXT, "--apply")
    assert refused.code == 2
    assert "headwater connectors sync lab --table a --mapping FILE --dry-run" in refused.err
    headwater("connectors", "sync", "lab", "-t", "a", "-m", table.mapping)
    assert offers(headwater)["same-text"]["moved"] == 0


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("how", ["lost", "erased"])
def test_where_what_was_read_is_not_kept_nothing_is_applied(headwater: Headwater, river: River, how: str) -> None:
    here = river.installation
    (chunk,) = river.rows(
        "SELECT extract_sha256 FROM chunks WHERE extract_sha256 IS NOT NULL ORDER BY chunk_no LIMIT 1"
    )
    if how == "lost":
        here.blobs.path(here.tenant_id, chunk["extract_sha256"]).unlink()
    else:
        river.change("UPDATE blobs SET state = 'erased' WHERE kind = 'extract'")
    told = fix(headwater, "--json").json
    assert told["looked_at"] is None
    assert {"lost": "not among the kept files any more", "erased": "something is erased"}[how] in told["not_compared"]
    assert [(offer["moved"], offer["moved_as"]) for offer in told["offers"]] == [(None, None)] * 2
    shown = fix(headwater)
    assert "What would change of the records that stand is not known" in shown.out
    assert shown.out.count("not known") == 5
    assert "--apply" not in shown.out
    refused = fix(headwater, *BY_TEXT, "--apply")
    assert refused.code == 2
    assert "it is not known what this would do to records that stand" in refused.err
    assert "headwater connectors sync lab --table a --mapping FILE --dry-run" in refused.err
    assert river.rows("SELECT count(*) AS runs FROM runs WHERE kind = 'resubmit'") == [{"runs": 0}]


@pytest.mark.usefixtures("table")
def test_what_is_advised_after_a_repair_can_be_done(headwater: Headwater) -> None:
    """One record was mended in two places: which is meant is said; and no mapping says what a blank means."""
    told = mend(headwater, "12").out
    advised = [line.strip() for line in told.splitlines() if line.startswith("  headwater quarantine ")]
    assert sorted(line.split()[2] for line in advised if "--rule" in line) == ["fix", "list"]
    for line in advised:
        done = headwater(*shlex.split(line)[1:])
        assert (done.code, "error" in done.err) == (0, False), done.err
        assert "cannot say this" not in done.out


@pytest.mark.usefixtures("table")
def test_a_blank_is_nothing_that_a_mapping_can_be_told_of(headwater: Headwater) -> None:
    mend(headwater, "3")
    (mended,) = headwater("quarantine", "list", "--state", "resubmitted", "--json").json["records"]
    told = headwater("quarantine", "fix", "--like", mended["quarantine"])
    assert (told.code, "The mapping cannot say this: a blank is what is absent" in told.out) == (0, True)
    assert told.out.splitlines()[-1].strip().startswith("headwater connectors sync lab --table a --mapping FILE")
    body = headwater("quarantine", "fix", "--like", mended["quarantine"], "--json").json
    assert (body["offers"], body["looked_at"], body["not_compared"]) == ([], None, None)


def test_numbers_of_postgresql_are_compared_as_they_were_read(headwater: Headwater, synced: Synced) -> None:
    """By the other sign they are the same, though the point that is kept of them would stand between thousands then."""
    path = synced.river.folder / "bills.yaml"
    fields = MAPPING["fields"] | {"quantity": {"column": "amount"}, "cost": {"column": "kwh"}}  # type: ignore[operator]
    path.write_text(yaml.safe_dump({**MAPPING, "fields": fields | {"currency": {"constant": "EUR"}}}))
    synced.at_source("DELETE FROM meter_reading WHERE reading_id > 50")
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN amount text")
    synced.at_source("UPDATE meter_reading SET amount = CASE WHEN reading_id > 3 THEN '7' ELSE '12,5' END")
    sync = ("connectors", "sync", "plant", "-t", "public.meter_reading", "--cursor", "changed_at", "-m")
    assert headwater(*sync, path).code == 3
    state = headwater("connectors", "state", "plant", "--json").json

    by_sign, by_text = offers(headwater)["decimal-sign"], offers(headwater)["same-text"]
    assert (by_sign["moved_as"], by_text["moved"]) == ({"changed": 0, "refused": 0}, 0)
    assert fix(headwater, *BY_TEXT, "--apply").code == 0
    assert headwater("connectors", "state", "plant", "--json").json == state
    synced.at_source(
        "UPDATE meter_reading SET amount = '8', changed_at = timestamptz '2025-01-01' WHERE reading_id = 5"
    )
    again = headwater(*sync, "text.yaml", "--json").json
    assert (again["ledger"]["read"], again["ledger"]["updated"], again["warnings"]) == (2, 1, [])


def test_of_a_table_that_a_recipe_reads_the_recipe_is_named(headwater: Headwater, table: Lab, tmp_path: Path) -> None:
    source = {"connector": "lab", "table": "a", "cursor": "changed_at"}
    said = {"recipe": "bills", "source": source, "mapping": str(table.mapping)}
    (tmp_path / "bills.recipe.yaml").write_text(yaml.safe_dump(said))
    assert headwater("run", "bills.recipe.yaml").code == 0
    told = "name it in the recipe bills, without its cursor for once, then headwater run RECIPE --dry-run"
    assert told in fix(headwater, *BY_SIGN).out
    assert "35 records that stand" in fix(headwater, *BY_SIGN, "--force", "--apply").err
