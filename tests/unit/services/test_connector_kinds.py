"""The door for connectors: what is installed is found, what is broken is named and breaks nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from headwater import plugins
from headwater.errors import Misuse
from headwater.services.connectors.kinds import installed_kinds, kind_named

GOOD = """
from headwater.connectors.protocol import Config, Kind

class GoodConfig(Config):
    pass

kind = Kind(
    name="door_good", title="Good", config=GoodConfig, open=lambda *given: None, chunks=("whole",), cursor=False
)
named_otherwise = kind
nothing = "a text"
"""


def install(folder: Path, package: str, entries: dict[str, str], code: str) -> None:
    """A distribution as pip leaves it: its module, and beside it what its metadata say."""
    (folder / f"{package}.py").write_text(code, encoding="utf-8")
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = "\n".join(f"{name} = {package}:{what}" for name, what in entries.items())
    (about / "entry_points.txt").write_text(f"[{plugins.CONNECTORS}]\n{lines}\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    installed_kinds.cache_clear()
    yield tmp_path
    installed_kinds.cache_clear()


def test_a_plugin_is_found_by_its_name(folder: Path) -> None:
    install(folder, "door_plugin_a", {"door_good": "kind"}, GOOD)
    assert kind_named("door_good").title == "Good"


@pytest.mark.parametrize(
    ("entries", "code", "named"),
    [
        ({"door_raises": "kind"}, "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ({"door_misses": "kind"}, "import a_library_that_is_not_there", "ModuleNotFoundError"),
        ({"door_lacks": "gone"}, "", "AttributeError"),
        ({"door_exits": "kind"}, "import sys; sys.exit('no licence')", "SystemExit: no licence"),
    ],
)
def test_one_that_cannot_be_loaded_is_named_and_the_rest_is_found(
    folder: Path, entries: dict[str, str], code: str, named: str
) -> None:
    install(folder, "door_plugin_b", {"door_good": "kind"}, GOOD)
    install(folder, f"plugin_of_{min(entries)}", entries, code)
    with capture_logs() as logs:
        found = installed_kinds()
    assert "door_good" in found
    assert not set(entries) & set(found)
    (warning,) = logs
    assert warning["log_level"] == "warning"
    assert warning["plugin"] in entries
    assert warning["group"] == "headwater.connectors"
    assert named in warning["error"]


def test_one_that_could_not_be_loaded_is_tried_again(folder: Path) -> None:
    install(folder, "door_plugin_f", {"door_later": "kind"}, "raise RuntimeError('not yet')")
    with capture_logs():
        assert "door_later" not in plugins.load(plugins.CONNECTORS)
    (folder / "door_plugin_f.py").write_text(f"{GOOD}\n# whole by now, and of another length\n", encoding="utf-8")
    importlib.invalidate_caches()
    assert "door_later" in plugins.load(plugins.CONNECTORS)


def test_one_that_is_no_kind_or_of_another_name_is_named_and_left_out(folder: Path) -> None:
    install(
        folder, "door_plugin_d", {"door_good": "kind", "door_alias": "named_otherwise", "door_text": "nothing"}, GOOD
    )
    with capture_logs() as logs:
        found = installed_kinds()
    assert {"door_good", "door_alias", "door_text"} & set(found) == {"door_good"}
    assert sorted(entry["plugin"] for entry in logs) == ["door_alias", "door_text"]


def test_an_unknown_kind_is_told_with_those_there_are(folder: Path) -> None:
    install(folder, "door_plugin_e", {"door_good": "kind"}, GOOD)
    with pytest.raises(Misuse) as refused:
        kind_named("door_god")
    assert refused.value.value == "door_god"
    assert "door_good" in str(refused.value.valid).split(", ")
