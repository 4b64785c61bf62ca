"""The update plans are recipes through mappings that there are, at times that there are."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

from headwater.pipeline.recipe import load_recipe
from headwater.services.installation import find_mapping, installed_packs
from headwater.services.schedule_times import next_time

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PLANS = Path(__file__).parents[2] / "examples/update-plans"


def test_every_plan_names_a_recipe_a_mapping_and_a_time_that_there_are() -> None:
    packs = installed_packs()
    page = (PLANS / "README.md").read_text(encoding="utf-8")
    added = [shlex.split(line) for line in re.findall(r"^headwater schedules add .*$", page, re.MULTILINE)]
    assert {path.name for path in PLANS.glob("*.yaml")} == {words[4] for words in added}
    for words in added:
        find_mapping(packs, load_recipe(PLANS / words[4]).mapping, PLANS)
        assert next_time(words[words.index("--cron") + 1], "Europe/Berlin", NEW_YEAR) > NEW_YEAR
