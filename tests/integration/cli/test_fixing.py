"""`headwater quarantine fix` as a person meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.mapping import load_mapping
from tests.integration.cli.conftest import Headwater
from tests.river import activities

BAD = [
    {"activity_id": "good"},
    *({"activity_id": f"a{number}", "data_quality": "ok"} for number in range(3)),
    {"activity_id": "b", "data_quality": "fine"},
]
SAID = ("--rule", "activity.data_quality.enum", "--from", "ok", "--to", "measured")


@pytest.fixture
def imported(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    (tmp_path / "meters.csv").write_text(activities(BAD))
    assert headwater("import", "meters.csv", "--mapping", form.name).code == 3
    return headwater


def test_what_is_worth_fixing_is_shown(imported: Headwater) -> None:
    shown = imported("quarantine", "fix")
    assert "activity.data_quality.enum" in shown.out
    (group,) = imported("quarantine", "fix", "--json").json["worth_fixing"]
    assert (group["text"], group["records"]) == ("ok", 3)


def test_a_fix_is_shown_then_done_and_imports_through_it_change_nothing(imported: Headwater, tmp_path: Path) -> None:
    shown = imported("quarantine", "fix", *SAID)
    assert shown.code == 0
    assert "+version: 1.1.0" in shown.out
    assert "--as same-text --apply --out form_1.1.0.yaml" in shown.out
    (offer,) = imported("quarantine", "fix", *SAID, "--json").json["offers"]
    assert (len(offer["would_load"]), offer["unlike"], offer["moved"]) == (3, 1, 0)
    done = imported("quarantine", "fix", *SAID, "--apply", "--out", "form_1.1.0.yaml", "--json")
    assert (done.code, done.json["ledger"]["inserted"]) == (0, 3)
    assert load_mapping(tmp_path / "form_1.1.0.yaml").version == "1.1.0"
    again = imported("import", "meters.csv", "--mapping", "form_1.1.0.yaml", "--json")
    assert (again.code, again.json["ledger"]["unchanged"], again.json["open_in_quarantine"]) == (3, 4, 1)
    assert "nothing to fix for all" in imported("quarantine", "fix").out
    assert imported("verify").code == 0


def test_a_mapping_may_be_written_without_loading_anything(imported: Headwater, tmp_path: Path) -> None:
    done = imported("quarantine", "fix", *SAID, "--out", "next.yaml")
    assert "Nothing was loaded" in done.out
    assert load_mapping(tmp_path / "next.yaml").fields["data_quality"].values == {"ok": "measured"}
    assert imported("quarantine", "list", "--json").json["total"] == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((*SAID, "--apply"), "where the mapping's next version goes"),
        (("--rule", "activity.data_quality.enum", "--from", "ok"), "what is to be fixed"),
        (("--like", "x", "--from", "ok"), "a record says already"),
        ((*SAID, "--out", "meters.csv"), "there already"),
        ((*SAID[:2], "--from", "nowhere", "--to", "x", "--apply", "--out", "o.yaml"), "not one open record would load"),
    ],
)
def test_what_is_not_clear_is_refused_in_words(imported: Headwater, options: tuple[str, ...], says: str) -> None:
    done = imported("quarantine", "fix", *options)
    assert done.code in {1, 2}
    assert says in done.err
