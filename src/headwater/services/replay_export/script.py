"""The script of an exported file: the text of the very modules that are used here, as far as a check needs them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

ROOMS = ("values", "replay")
"""Taken whole."""
MODULES = (
    "__init__.py", "errors.py", "audit/__init__.py", "audit/chain.py", "contracts/document.py", "contracts/rules.py",
    "contracts/row.py", "contracts/row_text.py", "documents/__init__.py", "documents/counted.py",
)  # fmt: skip
MAIN = '''"""Checks the file that this program stands in: python FILE [--json]."""

import sys

if sys.version_info < (3, 11):
    sys.exit("this check needs Python 3.11 or newer")

try:
    from headwater.replay.told import main
except Exception as error:
    sys.exit(
        f"error: this file is damaged: the script inside it cannot be read ({type(error).__name__}: {error}). Fetch it"
        " again; `headwater replay check FILE` of an installed Headwater names what was changed."
    )

sys.exit(main(sys.argv))
'''
CONTRACTS = '"""What a record must be: the parts that a replay needs."""\n'


@cache
def script() -> dict[str, bytes]:
    """Members of the file: path → content, in order."""
    root = resources.files("headwater")
    found = {"__main__.py": MAIN.encode(), "headwater/contracts/__init__.py": CONTRACTS.encode()}
    found |= {f"headwater/{name}": root.joinpath(name).read_bytes() for name in MODULES}
    for room in ROOMS:
        found |= {f"headwater/{path}": content for path, content in _modules(root.joinpath(room), room)}
    return dict(sorted(found.items()))


def _modules(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _modules(entry, f"{path}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{path}/{entry.name}", entry.read_bytes()
