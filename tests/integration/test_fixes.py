"""Fix all like this: one repair becomes a rule of the mapping, previewed, applied, recorded, and computed again."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from headwater.errors import Misuse
from headwater.mapping import load_mapping
from headwater.services.access import units
from headwater.services.imports import carry_out, run_recipe, stored_logic
from headwater.services.quarantine import exports, quarantines
from headwater.services.quarantine.fixes import Offer, Preview, plan_fix, preview, written
from headwater.services.quarantine.two_versions import Versions
from headwater.services.quarantine.wanted_fixes import Wanted, wanted_like, wanted_so, worth_fixing
from headwater.services.verification import verify
from headwater.store import runs
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.integration.access.test_personal_values import load
from tests.river import River, activities, factors

Cells = dict[str, str]

NUMBERS = [
    {"activity_id": "good", "quantity": "1"},
    *({"activity_id": f"wh{number}", "quantity": f"{number}00 kWh"} for number in range(1, 4)),
    {"activity_id": "many", "quantity": "many"},
    {"activity_id": "both", "quantity": "7 kWh", "period_start": "never"},
]


def mended(river: River, changes: dict[str, Cells]) -> dict[str, str]:
    """Export what is open, change cells by activity_id, resubmit only these; activity_id -> key of all exported."""
    out = io.StringIO(newline="")
    exports.export(river.installation, out, run=None, rule=None)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline="")))
    path = river.folder / "mended.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | changes[row["activity_id"]] for row in rows if row["activity_id"] in changes)
    carry_out(river.installation, quarantines.plan_resubmission(river.installation, path), progress=SilentProgress())
    return {row["activity_id"]: row["quarantine"] for row in rows}


def like(river: River, key: str) -> Preview:
    return preview(river.installation, wanted_like(river.installation, key), progress=SilentProgress())


def so(river: River, rule: str, before: str, after: str) -> Preview:
    wanted = wanted_so(river.installation, rule=rule, column=None, before=before, after=after, run=None)
    return preview(river.installation, wanted, progress=SilentProgress())


def applied(river: River, shown: Preview, name: str | None = None) -> tuple[UUID, Ledger, Offer]:
    offer = shown.chosen(name)
    run_id = carry_out(river.installation, plan_fix(river.installation, shown, offer), progress=SilentProgress())
    return run_id, river.ledger(run_id), offer


def quantities(river: River) -> dict[str, str]:
    found = river.rows("SELECT activity_id, quantity::text FROM activity_v1")
    return {row["activity_id"]: row["quantity"].rstrip("0").rstrip(".") for row in found}


def states(river: River) -> dict[str, str]:
    found = river.rows("SELECT raw ->> 'activity_id' AS which, state FROM quarantine")
    return {row["which"]: row["state"] for row in found}


def evidence(river: River) -> list[dict[str, object]]:
    return river.rows(
        "SELECT activity_id, quantity, unit, period_start, row_hash FROM activity_v1 ORDER BY activity_id"
    )


def imported_through(river: River, mapping: Path, content: str) -> Ledger:
    (river.folder / "activities.csv").write_text(content)
    recipe = river.folder / "again.recipe.yaml"
    recipe.write_text(yaml.safe_dump({"recipe": "test", "source": {"path": "activities.csv"}, "mapping": str(mapping)}))
    return river.ledger(run_recipe(river.installation, recipe, progress=SilentProgress()))


def assert_verified(river: River) -> None:
    found = verify(river.installation, progress=SilentProgress())
    assert (found.ok, found.differences, found.not_recomputed) == (True, (), {})


def test_a_repair_is_offered_for_all_records_like_it(river: River) -> None:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    river.load(activities(NUMBERS))
    key = mended(river, {"wh1": {"quantity": "100"}})["wh1"]
    shown = like(river, key)
    assert shown.wanted == Wanted(
        source_id=shown.wanted.source_id, rule="activity.quantity.type", field="quantity", before="100 kWh",
        after="100", like=key,
    )  # fmt: skip
    same, within = shown.offers
    assert (same.name, len(same.would_load), same.unlike) == ("same-text", 0, 4)
    assert (within.name, len(within.would_load), within.open) == ("number-within", 2, 4)
    assert (within.by_rule, within.unlike, within.moved) == ({"activity.period_start.type": 1}, 1, 0)
    (figure,) = within.figures
    assert (figure.method, figure.gwp_set, str(figure.co2e_kg)) == ("location_based", "AR5", "250.000000")
    assert "+version: 1.1.0" in within.difference
    assert shown.looked_at == 6
    assert states(river)["wh2"] == "open"
    assert quantities(river) == {"good": "1", "wh1": "100"}


def test_what_is_applied_loads_is_recorded_and_can_be_computed_again(river: River) -> None:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    river.load(activities(NUMBERS))
    key = mended(river, {"wh1": {"quantity": "100"}})["wh1"]
    run_id, ledger, offer = applied(river, like(river, key), "number-within")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (3, 2, 1)
    assert quantities(river) == {"good": "1", "wh1": "100", "wh2": "200", "wh3": "300"}
    assert states(river) == {
        "wh1": "resubmitted", "wh2": "resubmitted", "wh3": "resubmitted", "many": "open", "both": "open",
    }  # fmt: skip
    entry = json.loads(river.rows("SELECT payload FROM audit_entries WHERE action = 'quarantine.fixed'")[0]["payload"])
    assert entry["run"] == str(run_id)
    assert (entry["rule"], entry["before"], entry["after"], entry["like"]) == (
        "activity.quantity.type", "100 kWh", "100", key,
    )  # fmt: skip
    assert (entry["mapping"], entry["records"]) == ("activity_form 1.1.0", 3)
    stored = river.rows(
        "SELECT mapping_hash, layout -> 'mends' -> 'fix' AS fix FROM runs WHERE run_id = %(run)s", run=run_id
    )
    assert bytes(stored[0]["mapping_hash"]) == offer.mapping.hash
    assert stored[0]["fix"]["as"] == "number-within"
    assert_verified(river)


@pytest.mark.long
def test_later_imports_through_the_new_mapping_give_the_same_rows(river: River) -> None:
    river.load(activities(NUMBERS))
    key = mended(river, {"wh1": {"quantity": "100"}})["wh1"]
    _, _, offer = applied(river, like(river, key), "number-within")
    path = river.folder / "fixed.yaml"
    path.write_text(written(offer), encoding="utf-8")
    assert load_mapping(path).hash == offer.mapping.hash
    before = evidence(river)
    ledger = imported_through(river, path, activities(NUMBERS))
    assert (ledger.unchanged, ledger.inserted, ledger.updated, ledger.quarantined) == (4, 0, 0, 2)
    assert evidence(river) == before
    assert states(river)["wh2"] == "resubmitted"
    assert_verified(river)


def test_a_word_said_in_so_many_words(river: River) -> None:
    river.load(activities([
        {"activity_id": "a", "data_quality": "ok"},
        {"activity_id": "b", "data_quality": " OK "},
        {"activity_id": "c", "data_quality": "fine"},
    ]))  # fmt: skip
    rule = worth_fixing(river.installation, run=None, limit=10)
    assert rule == []
    shown = so(river, "activity.data_quality.enum", "ok", "measured")
    (offer,) = shown.offers
    assert (len(offer.would_load), offer.unlike) == (2, 1)
    applied(river, shown)
    found = river.rows("SELECT activity_id, data_quality FROM activity_v1 ORDER BY 1")
    assert [(row["activity_id"], row["data_quality"]) for row in found] == [("a", "measured"), ("b", "measured")]
    assert_verified(river)


@pytest.mark.long
def test_one_fix_after_the_other_keeps_both(river: River) -> None:
    content = activities([{"activity_id": "a", "data_quality": "ok"}, {"activity_id": "b", "data_quality": "fine"}])
    river.load(content)
    applied(river, so(river, "activity.data_quality.enum", "ok", "measured"))
    _, _, offer = applied(river, so(river, "activity.data_quality.enum", "fine", "estimated"))
    assert offer.mapping.version == "1.2.0"
    assert offer.mapping.fields["data_quality"].values == {"ok": "measured", "fine": "estimated"}
    assert_verified(river)


def test_what_is_most_frequent_is_shown_first(river: River) -> None:
    river.load(activities([
        *({"activity_id": f"a{number}", "data_quality": "ok"} for number in range(3)),
        *({"activity_id": f"b{number}", "quantity": "x"} for number in range(2)),
        {"activity_id": "c", "quantity": "y"},
    ]))  # fmt: skip
    groups = worth_fixing(river.installation, run=None, limit=10)
    assert [(group.rule, group.text, group.records) for group in groups] == [
        ("activity.data_quality.enum", "ok", 3),
        ("activity.quantity.type", "x", 2),
    ]


def test_a_change_that_would_move_what_stands_is_not_applied(river: River) -> None:
    river.load(activities([
        {"activity_id": "stands", "quantity": "1,234"},
        {"activity_id": "a", "quantity": "1,5"},
        {"activity_id": "b", "quantity": "2,5"},
    ]))  # fmt: skip
    key = mended(river, {"a": {"quantity": "1.5"}})["a"]
    shown = like(river, key)
    offer = next(offer for offer in shown.offers if offer.name == "decimal-sign")
    assert (len(offer.would_load), offer.moved) == (1, 1)
    with pytest.raises(Misuse, match="1 record that stands would be read otherwise"):
        shown.chosen("decimal-sign")
    assert quantities(river) == {"stands": "1234", "a": "1.5"}


BEGUN_WRONG = [{"activity_id": "a", "quantity": "1,5"}, {"activity_id": "b", "quantity": "2,5"}]


def moved_by_sign(river: River) -> int | None:
    key = mended(river, {"a": {"quantity": "1.5"}})["a"]
    return next(offer for offer in like(river, key).offers if offer.name == "decimal-sign").moved


@pytest.mark.parametrize(("first", "again", "moved"), [("1,234", "1,234", 1), ("5", "1,234", 0), ("1,234", "5", 1)])
def test_a_key_that_several_chunks_hold_counts_once_as_the_first_has_it(
    river: River, first: str, again: str, moved: int
) -> None:
    twice = [{"activity_id": "stands", "quantity": quantity} for quantity in (first, again)]
    river.load(activities([twice[0], BEGUN_WRONG[0], twice[1], BEGUN_WRONG[1]]), chunk_size=2)
    assert moved_by_sign(river) == moved


@pytest.mark.parametrize("chunk_size", [2, 100])
def test_where_versions_order_a_key_it_counts_as_its_last_has_it(river: River, chunk_size: int) -> None:
    first = {"activity_id": "stands", "quantity": "1,234", "period_end": "2024-01-30"}
    last = {"activity_id": "stands", "quantity": "5", "period_end": "2024-01-31"}
    river.load(activities([first, BEGUN_WRONG[0], last, BEGUN_WRONG[1]]), chunk_size=chunk_size, version="period_end")
    assert quantities(river)["stands"] == "5"
    assert moved_by_sign(river) == 0


@pytest.mark.parametrize(
    ("first", "last", "version", "moved"),
    [
        ("5 kWh", "7", None, 1),  # read again, 5 is the first of its key, and 7 would be refused
        ("7 kWh", "7", None, 0),
        ("7", "5 kWh", None, 0),
        ("5 kWh", "7", "period_end", 0),
        ("7", "5 kWh", "period_end", 1),
    ],
)
def test_a_refused_record_that_would_take_the_place_of_one_that_stands_moves_it(
    river: River, first: str, last: str, version: str | None, moved: int
) -> None:
    one = {"activity_id": "twice", "quantity": first, "period_end": "2024-01-30"}
    other = {"activity_id": "twice", "quantity": last, "period_end": "2024-01-31" if version else "2024-01-30"}
    wrong = [{"activity_id": name, "quantity": "100 kWh"} for name in ("a", "b")]
    river.load(activities([one, wrong[0], other, wrong[1]]), chunk_size=2, version=version)
    assert quantities(river) == {"twice": "7"}
    shown = like(river, mended(river, {"a": {"quantity": "100"}})["a"])
    assert shown.offers[1].moved == moved
    if moved:
        with pytest.raises(Misuse, match="1 record that stands would be read otherwise"):
            shown.chosen("number-within")


def test_of_a_source_of_a_unit_only_the_units_own_rows_are_counted(river: River) -> None:
    """A row that stands elsewhere under the same key is never replaced, however the unit's record is read."""
    river.load(activities([{"activity_id": "elsewhere", "quantity": "7"}]), name="others.csv")
    units.add(river.installation, "site", "site")
    own = [{"activity_id": name, "quantity": "1,234"} for name in ("elsewhere", "own")]
    river.load(activities([*own, *BEGUN_WRONG]), unit="site")
    assert quantities(river) == {"elsewhere": "7", "own": "1234"}
    assert moved_by_sign(river) == 1


def test_versions_are_compiled_once_for_the_same_columns_and_let_go_for_others(
    river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _ = river.load(activities(BEGUN_WRONG))
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        run = runs.get_run(connection, river.installation.tenant_id, run_id)
    (at_work := tmp_path / "at_work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(at_work))
    logic = stored_logic(river.installation, run)
    with Versions(river.installation, [logic, logic, logic], run.source_id) as versions:
        for columns in (run.layout["columns"], [*run.layout["columns"], "new"]):
            versions.for_columns(columns)
            (engines,) = at_work.iterdir()
            versions.for_columns(columns)
            assert list(at_work.iterdir()) == [engines]
        with pytest.raises(Misuse):
            versions.for_columns(["new"])
    assert not list(at_work.iterdir())


@pytest.mark.long
def test_the_order_of_dates_is_fixed_for_all(river: River) -> None:
    river.load(activities([
        {"activity_id": "iso", "period_start": "2024-05-01"},
        {"activity_id": "a", "period_start": "01.02.2024"},
        {"activity_id": "b", "period_start": "03.04.2024"},
    ]))  # fmt: skip
    key = mended(river, {"a": {"period_start": "2024-02-01"}})["a"]
    _, ledger, _ = applied(river, like(river, key), "date-order")
    assert ledger.inserted == 1
    dates = river.rows("SELECT period_start::text FROM activity_v1 WHERE activity_id = 'b'")
    assert dates == [{"period_start": "2024-04-03"}]
    assert_verified(river)


@pytest.mark.long
def test_a_text_that_was_cleared_is_a_blank_for_all(river: River) -> None:
    river.load(activities([{"activity_id": name, "cost": "tba"} for name in ("a", "b")]))
    key = mended(river, {"a": {"cost": ""}})["a"]
    _, ledger, _ = applied(river, like(river, key))
    assert ledger.inserted == 1
    assert_verified(river)


@pytest.mark.parametrize(
    ("changes", "which", "says"),
    [
        ({"wh1": {"quantity": "100"}}, "wh2", "was not mended yet"),
        ({"wh1": {"note": "only a note"}}, "wh1", "changed no text that a rule had refused"),
        ({"both": {"quantity": "7", "period_start": "2024-01-01"}}, "both", "more than one thing was mended"),
    ],
)
def test_what_is_no_example_is_refused_in_words(river: River, changes: dict[str, Cells], which: str, says: str) -> None:
    river.load(activities(NUMBERS))
    keys = mended(river, changes)
    with pytest.raises(Misuse, match=says):
        wanted_like(river.installation, keys[which])


def test_nothing_is_chosen_where_it_is_not_clear(river: River) -> None:
    river.load(activities(NUMBERS))
    shown = like(river, mended(river, {"wh1": {"quantity": "100"}})["wh1"])
    assert shown.chosen(None).name == "number-within"
    with pytest.raises(Misuse, match="not said which"):
        shown.chosen("decimal-sign")
    with pytest.raises(Misuse, match="not one open record"):
        shown.chosen("same-text")
    with pytest.raises(Misuse, match="this rule refuses nothing"):
        so(river, "activity.no.rule", "a", "b")


@pytest.mark.server
def test_what_stands_is_known_by_keys_that_are_sealed(river: River) -> None:
    header = "worker_id,system,name,country,hired_on,fte"
    refused = ['w2,hr,Bob,DE,2019-05-06,"0,5"', 'w3,hr,Clara,DE,2019-05-06,"0,7"']
    load(river, 'w1,hr,Ann,DE,2019-05-06,"1,000"', *refused, header=header)
    assert river.rows("SELECT count(*) AS standing FROM erp_worker_v1 WHERE worker_id = 'w1'") == [{"standing": 0}]
    shown = so(river, "erp.worker.fte.ambiguous", "0,5", "0.5")
    by_sign = next(offer for offer in shown.offers if offer.name == "decimal-sign")
    assert (len(by_sign.would_load), by_sign.moved) == (2, 1)
