"""The rules of alerts that are shipped: tried by promtool itself, of metrics there are, each told of in the docs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.api.metrics import described

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/headwater.rules.yml"
GUIDE = ROOT / "docs/how-to/watch-an-installation.md"


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def metrics_of_rules() -> set[str]:
    return {name for rule in rules() for name in re.findall(r"\bheadwater_[a-z_]+", str(rule["expr"]))}


def test_promtool_takes_the_rules_and_they_come_when_they_should() -> None:
    promtool = found_promtool()
    for arguments in (["check", "rules", RULES.name], ["test", "rules", "headwater.rules.test.yml"]):
        done = subprocess.run([promtool, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    tried = yaml.safe_load(RULES.with_name("headwater.rules.test.yml").read_text(encoding="utf-8"))
    firing = {
        case["alertname"] for test in tried["tests"] for case in test["alert_rule_test"] if case.get("exp_alerts")
    }
    quiet = {
        case["alertname"] for test in tried["tests"] for case in test["alert_rule_test"] if not case.get("exp_alerts")
    }
    assert {rule["alert"] for rule in rules()} == firing == quiet


def test_rules_ask_for_metrics_that_there_are() -> None:
    known = {name for name, *_ in described()}
    known |= {f"{name}_{part}" for name, kind, *_ in described() if kind == "histogram" for part in ("bucket", "count")}
    assert metrics_of_rules() <= known
    assert len(metrics_of_rules()) > 15


def test_the_guide_tells_of_every_alert() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in text] == []


def found_promtool() -> Path:
    found, missing = ROOT / ".services/prometheus", ROOT / ".services/prometheus.missing"
    if found.is_file():
        return Path(found.read_text(encoding="utf-8").strip()) / "promtool"
    why = missing.read_text(encoding="utf-8").strip() if missing.is_file() else "`make services` was not run"
    pytest.skip(f"promtool: {why}")
