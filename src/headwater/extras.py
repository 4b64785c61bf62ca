"""Libraries that only some need: how an extra is brought into this very installation, as a command that works."""

from __future__ import annotations

import json
import shlex
import sys
from importlib import metadata
from typing import Any
from urllib.parse import unquote, urlsplit

DISTRIBUTION = "headwater"


def how_to_install(*extras: str) -> str:
    """The remedy where an extra is missing; of several, any one brings what is missing."""
    commands = [f"`{command}`" for command in map(_command, extras)]
    return f"Install it: {' or '.join(commands)}"


def _command(extra: str) -> str:
    """From a checkout, that checkout; from a file, a folder or an address, the same again; else by its name."""
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    origin = _origin()
    if "dir_info" in origin:
        option = " --editable" if origin["dir_info"].get("editable") else ""
        folder = unquote(urlsplit(origin["url"]).path)
        return f"{pip}{option} {shlex.quote(f'{folder}[{extra}]')}"
    if "archive_info" in origin:
        wanted = f"{DISTRIBUTION}[{extra}] @ {origin['url']}"
    elif "vcs_info" in origin:
        vcs = origin["vcs_info"]
        wanted = f"{DISTRIBUTION}[{extra}] @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    else:
        wanted = f"{DISTRIBUTION}[{extra}]"
    return f"{pip} {shlex.quote(wanted)}"


def _origin() -> dict[str, Any]:
    """Where this was installed from, as pip noted it (PEP 610); nothing where it came from an index."""
    try:
        noted = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, Any] = json.loads(noted) if noted else {}
    return found
