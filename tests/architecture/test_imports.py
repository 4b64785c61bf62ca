"""Imports go down only, each room brings only its own heavy libraries, and `import headwater` costs nothing."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/headwater"

# Who may import which library. A room that is not named may import none of them.
HEAVY = {
    "adbc_driver_manager": {"connectors"},
    "adbc_driver_postgresql": {"connectors"},
    "boto3": {"services"},  # asks a KMS for the keys of credentials
    "botocore": {"services"},
    "duckdb": {"accounting", "connectors", "contracts", "engine", "pipeline", "quality", "services"},
    "jinja2": {"api", "services"},
    "numpy": {
        "accounting",
        "connectors",
        "engine",
        "pipeline",
        "services",
        "store",
    },  # services hand a chunk's hashes from store to pipeline
    "obstore": {"connectors"},
    "pgpq": {"store"},
    "pint": {"accounting"},
    "procrastinate": {"jobs", "store"},
    "prometheus_client": {"api"},
    "psycopg": {"store"},
    "psycopg_pool": {"store"},
    "pyarrow": {
        "accounting",
        "contracts",
        "connectors",
        "engine",
        "mapping",
        "pipeline",
        "quality",
        "store",
        "services",
        "testing",
    },
    "cronsim": {"services"},
    "cryptography": {"connectors", "services", "store"},  # blobs are encrypted as they are written
    "databricks": {"connectors"},
    "fastapi": {"api"},
    "httpx": {"connectors", "services"},  # services ask a provider of sign-in
    "pyrate_limiter": {"connectors"},
    "pydantic_core": {"pipeline"},
    "pycountry": {"accounting"},
    "mssql_python": {"connectors"},
    "pymysql": {"connectors"},
    "pydantic": {
        "accounting",
        "api",
        "connectors",
        "contracts",
        "documents",
        "mapping",
        "pipeline",
        "services",
        "settings",
    },
    "pytest": {"testing"},  # its users have it
    "rapidfuzz": {"mapping"},
    "argon2": {"services"},  # sign-in
    "joserfc": {"services"},  # sign-in
    "zxcvbn_rs_py": {"services"},  # sign-in
    "rich": {"cli", "telemetry"},
    "snowflake": {"connectors"},
    "sqlglot": {"accounting", "contracts", "engine", "lineage"},  # expressions of indicators, parsed in accounting
    "starlette": {"api"},
    "structlog": {"api", "telemetry"},
    "typer": {"cli"},
    "typing_extensions": {"services"},  # TypedDict as pydantic reads it before Python 3.12
    "urllib3": {"connectors"},  # of Databricks' client, whose errors come as they are
    "uvicorn": {"cli"},
    "httptools": {"cli"},
    "certifi": {"connectors"},
    "xlrd": {"connectors"},
    "xlsxwriter": {"services"},
    "yaml": {"contracts", "documents", "mapping", "pipeline"},
}


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """The top-level packages that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return frozenset(names)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_heavy_library_stays_in_its_rooms(library: str) -> None:
    importers = {room(path) for path in PACKAGE.rglob("*.py") if library in imported(path)}
    assert importers <= HEAVY[library]


def test_every_library_used_is_declared_as_heavy_or_light() -> None:
    light = {"headwater", *sys.stdlib_module_names}
    used = frozenset().union(*(imported(path) for path in PACKAGE.rglob("*.py")))
    assert used - light <= set(HEAVY)


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_import_headwater_brings_nothing_along() -> None:
    assert loaded_by("import headwater") - set(sys.stdlib_module_names) == {"headwater"}


def test_the_ground_brings_no_engine_along() -> None:
    heavy = {"duckdb", "pyarrow", "numpy", "psycopg", "sqlglot", "jinja2"}
    ground = ("errors", "memory", "settings", "telemetry", "values")
    assert not loaded_by(f"from headwater import {', '.join(ground)}") & heavy
