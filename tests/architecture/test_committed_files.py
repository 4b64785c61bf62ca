"""What is committed works on any machine: no package index is named, and no path of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Written in pieces, so that this file does not break its own rule.
INDEX_HOSTS = [
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "npm" + "js.org",
    "repo1.maven" + ".org",
    "conda" + ".anaconda.org",
]
MACHINE_PATHS = re.compile(
    r"(?<![\w.~-])/(?:home|Users)/(?!runner/)[a-z]\w+/|(?<![\w.~-])/ro{2}t/\w|(?<![\w.~-])/wor" + r"k/\w"
)
INDEX_OPTIONS = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")


def committed() -> list[Path]:
    """The files under version control, those not yet committed included, those ignored not."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:  # an unpacked archive: the folders are all there is
        return [path for folder in ("src", "tests", "docs", "tools", "bench") for path in (ROOT / folder).rglob("*.*")]
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for path in committed():
        data = path.read_bytes()
        if b"\0" not in data and len(data) < 5_000_000:
            found[str(path.relative_to(ROOT))] = data.decode("utf-8", "replace")
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return texts()


def test_no_package_index_is_named(files: dict[str, str]) -> None:
    assert [(name, host) for name, text in files.items() for host in INDEX_HOSTS if host in text] == []


def test_locks_name_versions_and_hashes_only(files: dict[str, str]) -> None:
    locks = {name: text for name, text in files.items() if name.endswith(".lock")}
    assert locks
    for name, text in locks.items():
        assert "://" not in text, name
        assert not INDEX_OPTIONS.search(text), name
        pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+.*\\$", text, re.MULTILINE | re.IGNORECASE)
        lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert len(pins) == len(lines), f"{name}: a line is no pin with hashes"


def test_no_path_of_a_machine_is_named(files: dict[str, str]) -> None:
    found = [(name, match[0]) for name, text in files.items() for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_text_files_end_with_a_line_end(files: dict[str, str]) -> None:
    kinds = (".py", ".md", ".sql", ".toml", ".yaml", ".yml", ".lock")
    assert [name for name, text in files.items() if name.endswith(kinds) and text and not text.endswith("\n")] == []
