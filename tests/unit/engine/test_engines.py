"""Several engines that share what one run may take."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from headwater.engine.duck import engines

SETTINGS = ("TimeZone", "memory_limit", "threads", "enable_progress_bar", "enable_external_access", "temp_directory")


def test_each_is_set_alike_and_has_tables_of_its_own() -> None:
    with engines(3, memory_limit="64MiB") as several:
        asked = ", ".join(f"current_setting('{name}')" for name in SETTINGS)
        told = {each.sql(f"SELECT {asked}").fetchall()[0] for each in several}
        ((zone, memory, *_),) = told
        assert (zone, memory) == ("UTC", "64.0 MiB")
        for number, each in enumerate(several):
            each.execute(f"CREATE TEMP TABLE chunk AS SELECT {number} AS number")
        assert [each.sql("FROM chunk").fetchall() for each in several] == [[(0,)], [(1,)], [(2,)]]


def test_nothing_is_left_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with engines(3):
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())
