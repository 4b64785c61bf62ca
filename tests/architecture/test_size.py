"""Files and functions stay short enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES = 500
FUNCTION_LINES = 60


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_files_stay_below_500_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files("src", "tests", "tools", "bench")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) >= FILE_LINES
    }
    assert long == {}


def test_functions_stay_below_60_lines() -> None:
    long = {}
    for path in files("src", "tools", "bench"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines >= FUNCTION_LINES:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = lines
    assert long == {}


def test_every_module_begins_with_a_docstring() -> None:
    without = [
        str(path.relative_to(ROOT))
        for path in files("src", "tools", "bench")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert without == []
