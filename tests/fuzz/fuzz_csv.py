"""Coverage-guided fuzzing of the CSV reader, by hand and for as long as wished (atheris is no dependency of ours).

    pip install atheris
    python -m tests.fuzz.fuzz_csv -max_total_time=600 FOLDER_FOR_WHAT_IT_FINDS

The folder is filled with the corpus first. What stops it is a finding: an error of somebody else, a record that is lost
or counted twice, a sample that differs from what is read.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # installed by hand only

with atheris.instrument_imports(include=["headwater.connectors"]):
    from headwater.connectors.csv_file import Planner, inspect_file, is_utf8, read_chunk, to_utf8

from headwater.errors import InputRefused
from tests.corpus.pollutions import pollutions

FILE = Path(tempfile.mkdtemp()) / "fuzzed.csv"


def read(data: bytes) -> None:
    """Refused, or all records are accounted for and the sample is the top of the table."""
    FILE.write_bytes(data)
    try:
        found = inspect_file(FILE)
        text = io.BytesIO()
        if is_utf8(found.encoding):
            text.write(data)
        else:
            to_utf8(FILE, found.encoding, text)
        planner = Planner(found.config, 3, name=FILE.name)
        planner.feed(text.getvalue())
        plan = planner.finish()
    except InputRefused:
        return
    chunks = [read_chunk(text, span, plan) for span in plan.chunks]
    for span, chunk in zip(plan.chunks, chunks, strict=True):
        numbers = [*chunk.record_nos.tolist(), *(row.record_no for row in chunk.ragged)]
        numbers += [number for skipped in chunk.skipped.values() for number in skipped.tolist()]
        if sorted(numbers) != list(range(span.records)):
            raise AssertionError(numbers)
    rows = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    if list(found.sample) != rows[:20]:
        raise AssertionError(rows)


def main() -> None:
    """Fuzz, beginning with the corpus."""
    folders = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    for folder in folders[:1]:
        folder.mkdir(parents=True, exist_ok=True)
        for number, pollution in enumerate(pollutions()):
            if len(pollution.data) < 10_000:
                (folder / f"corpus-{number}").write_bytes(pollution.data)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
