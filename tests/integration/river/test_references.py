"""A code must stand where its field refers to, when the run is planned: else its record waits in quarantine."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from headwater.contracts import Document
from headwater.errors import Misuse
from headwater.services.imports import carry_out, file_recipe, plan_file, source_files, stored_logic
from headwater.services.quarantine import fixes, quarantines
from headwater.services.quarantine.wanted_fixes import wanted_so
from headwater.services.trials.previews import preview
from headwater.services.unchanged import was_loaded
from headwater.services.verification import verify
from headwater.services.workbooks.export import export_workbook
from headwater.services.workbooks.mending import plan_workbook, refused_again
from headwater.store import runs
from headwater.telemetry import SilentProgress
from tests.integration.test_mending import exported, resubmitted
from tests.kept import in_clear
from tests.packs import install
from tests.packs.places import pack
from tests.river import River
from tests.servers import Installation

MAPPINGS = {
    "countries": "{code: {column: code}, iso3: {column: iso3}, name: {column: name}}",
    "sites": "{site_id: {column: site_id}, parent: {column: parent}, country: {column: country},"
    " iso3: {column: iso3}, opened: {column: opened}, note: {column: note}}",
}
CONTRACTS = {"countries": "country", "sites": "site"}
COUNTRIES = [{"code": "DE", "iso3": "DEU"}, {"code": "FR", "iso3": "FRA"}]


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    return pack.documents()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack installed, and a mapping for each of its contracts."""
    door = tmp_path / "door"
    door.mkdir()
    monkeypatch.syspath_prepend(door)
    install(door, places="tests.packs.places:pack")
    for name, fields in MAPPINGS.items():
        body = f"mapping: {name}\nversion: 1.0.0\ncontract: {CONTRACTS[name]}@1\nfields: {fields}\n"
        (tmp_path / f"{name}.yaml").write_text(body)


def table(kind: str, rows: Iterable[Mapping[str, str]]) -> str:
    sites = ("site_id", "parent", "country", "iso3", "opened", "note")
    columns = {"countries": ("code", "iso3", "name"), "sites": sites}[kind]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def load(river: River, kind: str, *rows: Mapping[str, str], chunk_size: int = 50_000) -> Mapping[str, int]:
    """Counts of the ledger that are not 0."""
    path = str(river.folder / f"{kind}.yaml")
    _, ledger = river.load(table(kind, rows), name=f"{kind}.csv", mapping=path, chunk_size=chunk_size)
    counts = {name: getattr(ledger, name) for name in ("inserted", "updated", "unchanged", "merged", "quarantined")}
    return {name: count for name, count in counts.items() if count}


def findings(river: River, site: str) -> list[tuple[str, str, str]]:
    query = "SELECT findings FROM quarantine WHERE raw ->> 'site_id' = %(site)s"
    (row,) = river.rows(query, site=site)
    return [(each["rule"], each["field"], each["value"]) for each in row["findings"]]


def states(river: River) -> dict[str, str]:
    found = river.rows("SELECT raw ->> 'site_id' AS site, state FROM quarantine")
    return {row["site"]: row["state"] for row in found}


def sites(river: River) -> set[str]:
    return {row["site_id"] for row in river.rows("SELECT site_id FROM site_v1")}


def verified(river: River) -> bool:
    found = verify(river.installation, progress=SilentProgress())
    assert found.differences == ()
    return found.ok


@pytest.mark.parametrize("chunk_size", [1, 100])
def test_a_code_that_does_not_stand_is_refused_by_its_rule_and_no_other_record_with_it(
    river: River, chunk_size: int
) -> None:
    load(river, "countries", *COUNTRIES)
    ledger = load(
        river,
        "sites",
        {"site_id": "a", "country": "DE", "iso3": "DEU"},
        {"site_id": "b", "country": "XX"},
        {"site_id": "c"},
        {"site_id": "d", "country": " FR ", "iso3": "FR"},
        {"site_id": "e", "country": "de", "opened": "soon"},
        chunk_size=chunk_size,
    )

    assert ledger == {"inserted": 2, "quarantined": 3}
    assert sites(river) == {"a", "c"}
    assert findings(river, "b") == [("site.country.reference", "country", "XX")]
    assert findings(river, "d") == [("site.iso3.reference", "iso3", "FR")]
    assert findings(river, "e") == [("site.opened.type", "opened", "soon"), ("site.country.reference", "country", "de")]
    (row,) = river.rows("SELECT findings FROM quarantine WHERE raw ->> 'site_id' = 'b'")
    assert row["findings"][0]["message"] == "country names nothing in country.code."
    assert row["findings"][0]["valid"] == "a code of country.code that stood when the run was planned"
    assert row["findings"][0]["mend"].startswith("Correct the code; or load the record it names, then resubmit")
    assert verified(river)


def test_a_record_whose_code_came_later_is_resubmitted_as_it_is(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    load(river, "sites", {"site_id": "a", "country": "GB"}, {"site_id": "b", "country": "XX", "opened": "soon"})
    rows = exported(river)
    run_id, ledger = resubmitted(river, rows)
    assert (ledger.quarantined, ledger.skipped) == (1, {"not_mended": 1})
    assert states(river) == {"a": "open", "b": "open"}

    load(river, "countries", {"code": "GB"})
    again, ledger = resubmitted(river, rows)
    assert (ledger.inserted, ledger.skipped) == (1, {"not_mended": 1})
    assert states(river) == {"a": "resubmitted", "b": "open"}
    assert sites(river) == {"a"}
    outcomes = river.rows("SELECT outcome FROM quarantine_repairs ORDER BY repair_no")
    assert [row["outcome"] for row in outcomes] == ["refused", "loaded"]
    pinned = river.rows("SELECT run_id, reference_codes FROM runs WHERE kind = 'resubmit'")
    codes = {row["run_id"]: bytes(row["reference_codes"]) for row in pinned}
    assert codes[run_id] != codes[again]
    assert verified(river)


def test_a_workbook_that_nobody_edited_is_sent_once_its_codes_have_come(river: River) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["site_id", "parent", "country", "iso3", "opened", "note"], ["a", "", "DE"], ["b", "", "XX"], ["c"]):
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    run_id, ledger = river.load(content.getvalue(), name="sites.xlsx", mapping=str(river.folder / "sites.yaml"))
    assert (ledger.inserted, ledger.quarantined) == (1, 2)
    path = river.folder / "mend.xlsx"
    export_workbook(river.installation, path, run=str(run_id), rule=None)

    load(river, "countries", *COUNTRIES)
    sent = plan_workbook(river.installation, path)
    carry_out(river.installation, sent.run_id, progress=SilentProgress())
    ledger = river.ledger(sent.run_id)
    assert (ledger.inserted, ledger.quarantined) == (1, 1)
    assert states(river) == {"a": "resubmitted", "b": "open"}
    assert [(each.row, each.field, each.value) for each in refused_again(river.installation, sent.run_id)] == [
        (3, "country", "XX")
    ]
    assert verified(river)


def test_a_code_that_was_mended_is_looked_up_too(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    load(river, "sites", {"site_id": "a", "country": "D"}, {"site_id": "b", "country": "F"})
    rows = [row | {"country": "DE" if row["site_id"] == "a" else "FX"} for row in exported(river)]
    _, ledger = resubmitted(river, rows)
    assert (ledger.inserted, ledger.quarantined) == (1, 1)
    assert states(river) == {"a": "resubmitted", "b": "open"}
    assert verified(river)


def test_the_same_file_again_loads_what_has_come_meanwhile(river: River) -> None:
    rows = [{"site_id": "a", "country": "DE"}, {"site_id": "b"}]
    assert load(river, "sites", *rows) == {"inserted": 1, "quarantined": 1}
    assert load(river, "sites", *rows) == {"unchanged": 1, "quarantined": 1}
    load(river, "countries", *COUNTRIES)
    assert load(river, "sites", *rows) == {"inserted": 1, "unchanged": 1}
    assert states(river) == {"a": "expired"}
    assert verified(river)


def test_of_records_of_one_file_parents_are_loaded_first(river: River) -> None:
    rows = [{"site_id": "root"}, {"site_id": "leaf", "parent": "branch"}, {"site_id": "branch", "parent": "root"}]
    assert load(river, "sites", *rows) == {"inserted": 1, "quarantined": 2}
    (row,) = river.rows("SELECT findings FROM quarantine WHERE raw ->> 'site_id' = 'branch'")
    assert "Records of one file do not see each other" in row["findings"][0]["mend"]
    assert load(river, "sites", *rows) == {"inserted": 1, "unchanged": 1, "quarantined": 1}
    resubmitted(river, exported(river))
    assert sites(river) == {"root", "branch", "leaf"}
    assert states(river) == {"leaf": "resubmitted", "branch": "expired"}
    assert verified(river)


def test_codes_are_those_of_the_plan_however_late_it_is_carried_out(river: River) -> None:
    path = river.folder / "late.csv"
    path.write_text(table("sites", [{"site_id": "a", "country": "DE"}]))
    run_id = plan_file(river.installation, path, str(river.folder / "sites.yaml"))
    load(river, "countries", *COUNTRIES)
    carry_out(river.installation, run_id, progress=SilentProgress())
    assert river.ledger(run_id).quarantined == 1
    assert verified(river)


def test_a_code_of_another_organisation_does_not_stand(river: River, installation: Installation) -> None:
    other = replace(river, installation=replace(river.installation, tenant_id=installation.add_tenant("other")))
    load(other, "countries", *COUNTRIES)
    assert load(river, "sites", {"site_id": "a", "country": "DE"}) == {"quarantined": 1}
    assert load(other, "sites", {"site_id": "a", "country": "DE"}) == {"inserted": 1}


def test_a_file_is_unchanged_until_codes_change(river: River) -> None:
    load(river, "sites", {"site_id": "a"})
    load(river, "sites", {"site_id": "a"})
    recipe = file_recipe(str(river.folder / "sites.csv"), str(river.folder / "sites.yaml"))
    (file,) = source_files(river.installation, recipe, river.folder)
    assert was_loaded(river.installation, recipe, river.folder, file)
    load(river, "countries", *COUNTRIES)
    assert not was_loaded(river.installation, recipe, river.folder, file)


def test_pinned_codes_that_were_changed_are_named(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    load(river, "sites", {"site_id": "a", "country": "DE"}, {"site_id": "b", "country": "GB"})
    (run,) = river.rows("SELECT reference_codes FROM runs WHERE reference_codes IS NOT NULL")
    digest = bytes(run["reference_codes"])
    path = in_clear(river.installation, digest)
    content = path.read_bytes()
    assert content.count(b'"DE"') == 1
    path.chmod(0o600)
    path.write_bytes(content.replace(b'"DE"', b'"GB"'))
    found = verify(river.installation, progress=SilentProgress())
    first = found.differences[0]
    assert (first.table, first.column, first.expected) == ("blob store", "content", digest.hex())
    assert "reference_codes.csv" in first.key
    # By the codes as they are now, another record would have been refused.
    assert {"site_v1", "quarantine"} <= set(found.by_table)

    path.write_bytes(content)
    river.change("UPDATE runs SET reference_codes = NULL")
    found = verify(river.installation, progress=SilentProgress())
    assert {(each.table, each.column) for each in found.differences} == {("runs", "reference_codes")}


def test_a_contract_without_references_pins_nothing(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    assert river.rows("SELECT reference_codes FROM runs") == [{"reference_codes": None}]
    assert river.rows("SELECT kind FROM blobs WHERE kind = 'reference_codes'") == []
    (entry,) = river.rows("SELECT payload FROM audit_entries WHERE action = 'run.planned'")
    assert "reference_codes" not in entry["payload"]


def test_a_pinned_set_holds_each_code_once_and_is_part_of_the_logic(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    load(river, "sites", {"site_id": "a"})
    load(river, "sites", {"site_id": "b"})
    tenant_id = river.installation.tenant_id
    with river.installation.database.connect(tenant_id) as connection:
        found = [run for run in runs.all_runs(connection, tenant_id) if run.reference_codes]
    contents = [in_clear(river.installation, run.reference_codes or b"").read_bytes() for run in found]
    codes = ['"country.code","DE"', '"country.code","FR"', '"country.iso3","DEU"', '"country.iso3","FRA"']
    assert contents[0].decode().splitlines() == ["reference,code", *codes]
    assert b'"site.site_id","a"' in contents[1]
    assert len({stored_logic(river.installation, run).hash for run in found}) == 2


def test_codes_decide_whether_a_record_is_there_and_lineage_says_so(river: River) -> None:
    load(river, "sites", {"site_id": "a"})
    (row,) = river.rows("SELECT body FROM documents WHERE kind = 'column_lineage'")
    lineage = json.loads(row["body"])
    assert lineage["unread"] == []
    assert ["country.code", "code"] in lineage["results"]["site@1.0.0"]["filter"]


def test_a_preview_looks_codes_up_where_it_can(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    path = river.folder / "new.csv"
    path.write_text(table("sites", [{"site_id": "a", "country": "DE"}, {"site_id": "b", "country": "XX"}]))
    found = preview(path, str(river.folder / "sites.yaml"), installation=river.installation)
    assert found.refused == {"site.country.reference": 1}
    assert [row.state for row in found.rows] == ["loaded", "refused"]
    assert found.unchecked == ()
    assert river.rows("SELECT kind FROM blobs WHERE kind = 'reference_codes'") == []

    alone = preview(path, str(river.folder / "sites.yaml"))
    assert (alone.loaded, alone.refused) == (2, {})
    assert alone.unchecked == ("site.site_id", "country.code", "country.iso3")


def test_a_fix_of_the_mapping_gives_codes_that_stand(river: River) -> None:
    load(river, "countries", *COUNTRIES)
    load(river, "sites", *({"site_id": site, "country": "Germany"} for site in "ab"), {"site_id": "c", "country": "DE"})
    wanted = wanted_so(
        river.installation, rule="site.country.reference", column=None, before="Germany", after="DE", run=None
    )
    shown = fixes.preview(river.installation, wanted, progress=SilentProgress())
    offer = shown.chosen(None)
    assert (len(offer.would_load), offer.refused_still) == (2, ())
    carry_out(river.installation, fixes.plan_fix(river.installation, shown, offer), progress=SilentProgress())
    assert sites(river) == {"a", "b", "c"}
    assert verified(river)


def test_a_rule_of_references_can_be_chosen(river: River) -> None:
    load(river, "sites", {"site_id": "a", "country": "DE"}, {"site_id": "b", "opened": "soon"})
    listing = quarantines.list_records(
        river.installation, state="open", run=None, rule="site.country.reference", limit=10
    )
    assert listing.total == 1
    with pytest.raises(Misuse, match="no contract has such a rule"):
        quarantines.list_records(river.installation, state="open", run=None, rule="site.note.reference", limit=10)


def test_what_is_calculated_is_imported_from_no_file(river: River) -> None:
    mapping = river.folder / "figures.yaml"
    mapping.write_text("mapping: figures\nversion: 1.0.0\ncontract: emission@1\nfields: {activity_id: {column: id}}\n")
    sentence = (
        "mapping figures: emission is calculated from activity and never loaded from a file: "
        "import records of activity instead (value: 'emission'). Valid: activity."
    )
    with pytest.raises(Misuse) as refused:
        river.load("id\na\n", mapping=str(mapping))
    assert str(refused.value) == sentence
    with pytest.raises(Misuse) as refused:
        preview(river.folder / "activities.csv", str(mapping))
    assert str(refused.value) == sentence
    assert river.rows("SELECT run_id FROM runs") == []
    assert river.rows("SELECT kind FROM blobs") == []
