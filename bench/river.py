"""Headwater itself, called as a user calls it: its command line, against a fresh database of the same server."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.contestants import result
from bench.measure import run_measured
from bench.server import APP_ROLE, OWNER_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.inputs import Inputs, Source
    from bench.result import Result
    from bench.server import Server

FIRST: Final = "Headwater, first load"
UNCHANGED: Final = "Headwater, the same file again"
SCATTERED: Final = "Headwater, 1 % of the rows changed, scattered"
BLOCK: Final = "Headwater, 1 % of the rows changed, in one block"
HALF_BAD: Final = "Headwater, 50 % bad rows"
FIVE_TIMES: Final = "Headwater, five times the rows"
VALIDATION: Final = "validation: Headwater's contract"

MAPPING: Final = Path(__file__).parent / "activity.yaml"
LOADED_WITH_QUARANTINE: Final = 3


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A fresh installation with the factors imported."""

    command: Sequence[str]
    environment: Mapping[str, str]
    server: Server

    def load(self, case: str, source: Source, expected: Mapping[str, int]) -> Result:
        """Import a file and compare the ledger with what is known to be in it."""
        self.server.settle()
        measured = run_measured(
            [*self.command, "import", source.path, "--mapping", MAPPING, "--name", "activities", "--json"],
            environment=self.environment,
            postmaster=self.server.postmaster,
            expected=(0, LOADED_WITH_QUARANTINE),
        )
        ledger = _ledger(measured.output)
        complaints = [
            f"{name}: {ledger.get(name, 0):,} where {right:,} are right"
            for name, right in expected.items()
            if ledger.get(name, 0) != right
        ]
        return result(case, source.rows, measured, answer={"ledger": ledger}, complaints=complaints)


def _ledger(output: str) -> dict[str, int]:
    """The counts of a run; records refused before and after they were mapped are added up."""
    counts = {name: count for name, count in json.loads(output)["ledger"].items() if isinstance(count, int)}
    counts["quarantined"] = counts.get("quarantined", 0) + counts.pop("quarantined_raw", 0)
    return counts


@contextmanager
def installed(command: Sequence[str], server: Server, inputs: Inputs) -> Iterator[Installation]:
    """An installation in a fresh database, with the factors."""
    with tempfile.TemporaryDirectory(dir=inputs.folder) as folder, server.database("river") as database:
        environment = {
            "HEADWATER_DATABASE_URL": server.url(database, APP_ROLE),
            "HEADWATER_OWNER_URL": server.url(database, OWNER_ROLE),
            "HEADWATER_DATA_DIR": folder,
        }
        for arguments in (["db", "upgrade"], ["factors", "import", str(inputs.factors)]):
            run_measured([*command, *arguments], environment=environment)
        yield Installation(command=command, environment=environment, server=server)


def _first_load(source: Source) -> dict[str, int]:
    return {
        "read": source.rows,
        "inserted": source.contents.good_rows,
        "quarantined": source.contents.bad_rows,
    }


def load_and_load_again(command: Sequence[str], server: Server, inputs: Inputs, case: str) -> Iterator[Result]:
    """A first load, and then one of its later versions into the same database."""
    first = inputs.first
    later = {UNCHANGED: inputs.first, SCATTERED: inputs.scattered, BLOCK: inputs.block}[case]
    changed = later.contents.changed_rows
    with installed(command, server, inputs) as installation:
        yield installation.load(FIRST, first, _first_load(first))
        expected = {
            "read": later.rows,
            "updated": changed,
            "unchanged": later.contents.good_rows - changed,
            "quarantined": later.contents.bad_rows,
        }
        yield installation.load(case, later, expected)


def load(command: Sequence[str], server: Server, inputs: Inputs, case: str) -> Result:
    """A first load of another kind of file."""
    source = {HALF_BAD: inputs.half_bad, FIVE_TIMES: inputs.five_times}[case]
    with installed(command, server, inputs) as installation:
        return installation.load(case, source, _first_load(source))
