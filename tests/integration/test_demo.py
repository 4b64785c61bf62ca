"""The demo: from an empty folder, twice, with the same figures, and nothing touched that is not its own."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
from rich.console import Console

from headwater.cli.demonstration_view import DemoOnConsole
from headwater.errors import Misuse
from headwater.services.demonstration import FOLDER, run_demo
from headwater.settings import Settings

pytestmark = [pytest.mark.server, pytest.mark.slow]

FILES = resources.files("headwater.services").joinpath("demo_files")


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where the server's own account can get to, started from an empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-", dir="/var/tmp"))  # pytest's own are 0700
    folder.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # as the README's is shown
    yield folder / "data"
    shutil.rmtree(folder)


def demo(data_dir: Path) -> str:
    out = io.StringIO()
    run_demo(Settings(data_dir=data_dir), DemoOnConsole(Console(file=out, width=110)))
    return out.getvalue()


def without_what_differs(shown: str) -> str:
    """Run ids and hashes rest on the time of the run."""
    return re.sub(r"[0-9a-f]{64}", "HASH", "\n".join(line.rstrip() for line in shown.strip().splitlines()))


def shown_by_the_readme(data_dir: Path) -> str:
    page = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    _, _, told = page.partition("<!-- transcript: headwater demo -->\n```console\n$ headwater demo\n")
    told = told.partition("```\n<!-- /transcript -->")[0].replace("~/.local/share/headwater", str(data_dir))
    return told.replace(f"Files: {FOLDER}.", f"Files: {Path.cwd() / FOLDER}.")


@pytest.mark.long
def test_the_demo_tells_the_same_twice(data_dir: Path, tmp_path: Path) -> None:
    first = demo(data_dir)
    assert without_what_differs(first) == without_what_differs(demo(data_dir))
    told = without_what_differs(shown_by_the_readme(data_dir))
    assert without_what_differs(first) == told, "run: .venv/bin/python -m tools.refresh_transcript README.md"
    assert "19 records refused, none lost" in first
    assert "Everything agrees." in first
    assert f"Scope 2: {tonnes(ELECTRICITY)} t → {tonnes(ELECTRICITY + MENDED)} t CO₂e" in first
    written = {path.name for path in (tmp_path / FOLDER).iterdir()}
    brought = {entry.name for entry in FILES.iterdir()}
    assert brought | {"headwater.toml", "mend.csv", "mended.csv", "report.html"} <= written
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_a_folder_that_no_demo_has_made_is_left_alone(data_dir: Path, tmp_path: Path) -> None:
    mine = tmp_path / FOLDER / "mine.csv"
    mine.parent.mkdir()
    mine.write_text("do not touch")
    with pytest.raises(Misuse, match="no demo has made it"):
        demo(data_dir)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.csv"]
    assert not data_dir.exists()


def electricity() -> Iterator[tuple[str, Decimal]]:
    """Activity and kWh of the British meters from the raw bytes, without the lines that have to be refused."""
    rows = csv.reader(
        io.StringIO(FILES.joinpath("electricity_meters_2020.csv").read_bytes().decode("latin-1")), delimiter=";"
    )
    seen = set()
    for row in rows:
        if len(row) < 8 or row[1] not in {"Bristol", "Glasgow"} or (row[0], row[2]) in seen:
            continue
        reading = row[4].replace(".", "").replace(",", ".")
        if row[5] and row[6] in {"G", "S"} and row[3] != "30.02.2020" and re.fullmatch(r"[\d.]+", reading):
            seen.add((row[0], row[2]))
            yield f"{row[0]}/{row[2]}", Decimal(reading) * (1000 if row[5] == "MWh" else 1)


FACTOR = Decimal("0.23314")
ELECTRICITY = sum((kwh * FACTOR for _, kwh in electricity()), Decimal(0))
MENDED = (Decimal("12304.50") + Decimal("5844.5")) * FACTOR


def tonnes(kilograms: Decimal) -> str:
    return f"{kilograms / 1000:.3f}"
