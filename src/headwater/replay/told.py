"""What a check found, as lines for a person; and the program that an exported file is when Python runs it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from headwater.documents.counted import counted
from headwater.errors import HeadwaterError
from headwater.replay.check import check_file
from headwater.replay.differences import Difference, Findings

HOLDS, DIFFERS, USAGE = 0, 1, 2


def lines_of(findings: Findings) -> Iterator[str]:
    """A tick or a cross for each stage, the totals, what was not done again, and the first difference."""
    facts = findings.facts
    about = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts["about"].items())
    yield f"{facts['kind']}: {about}"
    for stage in findings.stages:
        said = stage.said or "could not be gone through"
        count = counted(stage.differences, "difference")
        yield f"  ✓ {stage.name}: {said}" if stage.holds else f"  ✗ {stage.name}: {count}"
    for name, total in facts.get("co2e_kg", {}).items():
        yield f"  {_spaced(total)} kg CO2e ({name})"
    for note in findings.notes:
        yield f"  note: {note}"
    if findings.first is not None:
        yield "The first difference:"
        yield from _difference(findings.first)
    yield f"  audit chain: {facts.get('anchor', 'not read')}; compare it with an anchor noted elsewhere"
    yield f"  script: SHA-256 {facts['script']}"
    if findings.ok:
        yield "Everything agrees: what the file says follows from what is in it."
    else:
        yield "The file does not hold."


def _difference(difference: Difference) -> Iterator[str]:
    place = ", ".join(part for part in (difference.member, difference.row, difference.field) if part)
    yield f"  where       {place}"
    if difference.stored is not None or difference.recomputed is not None:
        yield f"  stored      {_shown(difference.stored)}"
        yield f"  recomputed  {_shown(difference.recomputed)}"
    yield f"  why         {difference.why}"


def _shown(text: str | None) -> str:
    """Control characters told, long texts cut."""
    if text is None:
        return "(nothing)"
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return shown if len(shown) <= 300 else f"{shown[:300]}…"


def _spaced(number: str) -> str:
    """Thousands apart, zeros at the end left out."""
    whole, _, places = number.partition(".")
    return f"{int(whole):,}" + (f".{places.rstrip('0')}" if places.rstrip("0") else "")


def main(arguments: Sequence[str]) -> int:
    """Check the file that this program stands in, or another one named; the exit code."""
    program, *rest = arguments
    as_json = "--json" in rest
    files = [argument for argument in rest if argument != "--json"]
    if len(files) > 1 or any(name.startswith("-") for name in files):
        _say(f"usage: python {Path(program).name} [--json] [FILE]", sys.stderr)
        return USAGE
    try:
        findings = check_file(Path(files[0] if files else program))
    except HeadwaterError as error:
        _say(f"error: {error}", sys.stderr)
        return DIFFERS
    _say(
        json.dumps(findings.as_json(), ensure_ascii=False, indent=2) if as_json else "\n".join(lines_of(findings)),
        sys.stdout,
    )
    return HOLDS if findings.ok else DIFFERS


def _say(text: str, stream: object) -> None:
    """Print, whatever letters the terminal knows."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), file=stream)  # type: ignore[call-overload]
