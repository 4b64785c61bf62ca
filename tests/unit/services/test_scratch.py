"""Folders for what lives no longer than a command, and what becomes of them when their process is killed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headwater.services.scratch import scratch

WORKS_ON = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from headwater.services.scratch import scratch

with scratch(Path(sys.argv[1]), "tried") as folder:
    (folder / "rows").write_text("personal")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_goes_with_its_block_and_one_left_by_a_killed_process_with_the_next(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKS_ON, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        its = Path(other.stdout.readline().strip())
        with scratch(tmp_path, "profiled") as mine:
            (mine / "deep").mkdir()
            assert (its / "rows").read_text() == "personal"  # somebody works in it
        other.kill()
    assert its.exists()
    with scratch(tmp_path, "profiled") as mine:
        assert [path.name for path in mine.parent.iterdir() if path.is_dir()] == [mine.name]
    assert list(mine.parent.iterdir()) == []


def test_many_at_once_leave_nothing(tmp_path: Path) -> None:
    def work(number: int) -> str:
        with scratch(tmp_path, f"tried{number % 3}") as folder:
            (folder / "file").write_text(str(number))
            return (folder / "file").read_text()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(200))) == [str(number) for number in range(200)]
    assert list((tmp_path / "scratch").iterdir()) == []
