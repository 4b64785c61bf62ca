"""`headwater connectors profile`: what columns hold, and nothing of what may be personal."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tests.integration.cli.conftest import Headwater, Lab
from tests.synced import MAPPING


def test_columns_are_counted_and_personal_ones_not_told(headwater: Headwater, lab: Lab, tmp_path: Path) -> None:
    lab.change("UPDATE a SET site = NULL WHERE reading_id > 38", "UPDATE a SET site = 'Süd 12' WHERE reading_id < 4")
    whole = headwater("connectors", "profile", "lab", "-t", "a", "--json").json
    assert (whole["rows"], whole["is_whole"], whole["mapping"]) == (40, True, None)
    columns = {each["name"]: each for each in whole["columns"]}
    kwh, site = columns["kwh"], columns["site"]
    assert (kwh["low"], kwh["high"], kwh["total"], float(kwh["mean"])) == ("1.5", "60", "1230", 30.75)
    assert (kwh["nulls"], kwh["distinct"] > 35, kwh["most_often"]) == (0, True, [])
    assert (site["nulls"], site["longest"], site["total"]) == (2, 6, None)
    assert ["Süd 12", 3] in site["most_often"]
    assert site["patterns"] == [["9", 35], ["Aa+ 9+", 3]]
    assert headwater("connectors", "profile", "lab", "-t", "a", "--all", "--json").json == whole
    first = headwater("connectors", "profile", "lab", "-t", "a", "--rows", "10", "--json").json
    assert (first["rows"], first["is_whole"]) == (10, False)
    told = headwater("connectors", "profile", "lab", "-t", "a").out
    assert all(said in told for said in ("a, all 40 rows", "Süd 12 × 3", "1230", "30.75"))

    mapping = tmp_path / "with_remarks.yaml"
    body: Any = deepcopy(MAPPING)
    body["fields"]["note"] = {"column": "site"}
    mapping.write_text(yaml.safe_dump({**body, "mapping": "with_remarks"}))
    by_mapping = headwater("connectors", "profile", "lab", "-t", "a", "-m", mapping, "--json")
    assert "Süd" not in by_mapping.out
    hidden = {each["name"]: each for each in by_mapping.json["columns"]}["site"]
    assert (hidden["personal"], hidden["nulls"], hidden["low"], hidden["most_often"]) == (True, 2, None, [])
    headwater("connectors", "sync", "lab", "-t", "a", "-m", mapping)
    by_sync = headwater("connectors", "profile", "lab", "-t", "a")
    assert ("Süd" in by_sync.out, "personal: not told" in by_sync.out) == (False, True)
