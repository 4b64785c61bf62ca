"""Runs the command that a page names and pastes what it printed between the page's markers.

    python -m tools.refresh_transcript              all pages
    python -m tools.refresh_transcript README.md    one page

A page asks by two comments: `<!-- transcript: headwater demo -->` and `<!-- /transcript -->`. Each command runs in an
empty folder with a database of its own; the path of that folder is shown as `~/.local/share/headwater`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARKERS = re.compile(r"(<!-- transcript: (?P<command>headwater .+?) -->\n).*?(<!-- /transcript -->)", re.DOTALL)


def transcript(command: str) -> str:
    """The command and what it wrote to standard output, as a fenced block. Raises where the command fails."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-", dir="/var/tmp"))
    folder.chmod(0o755)  # as root, the embedded server runs as a user of its own and has to get through
    try:
        work = folder / "work"
        work.mkdir()
        done = subprocess.run(
            [Path(sys.executable).parent / "headwater", *shlex.split(command)[1:]],
            cwd=work,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "HOME": str(work),
                "HEADWATER_DATA_DIR": str(folder / "data"),
                "COLUMNS": "110",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in {0, 3}:  # 3: loaded, with rows open in quarantine
            message = f"`{command}` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            raise SystemExit(message)
        shown = done.stdout.replace(str(folder / "data"), "~/.local/share/headwater").replace(f"{work}/", "")
        lines = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
        return f"```console\n$ {command}\n{lines}\n```\n"
    finally:
        shutil.rmtree(folder)


def refresh(page: Path) -> bool:
    """Paste anew; True where the page changed."""
    text = page.read_text(encoding="utf-8")
    fresh = MARKERS.sub(lambda match: match[1] + transcript(match["command"]) + match[3], text)
    page.write_text(fresh, encoding="utf-8")
    return fresh != text


def main() -> None:
    """Refresh the pages named, or all that ask for a transcript."""
    pages = [Path(name) for name in sys.argv[1:]] or [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        if MARKERS.search(page.read_text(encoding="utf-8")):
            print(f"{page}: {'refreshed' if refresh(page) else 'as before'}")


if __name__ == "__main__":
    main()
