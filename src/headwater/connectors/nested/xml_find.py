"""Which elements of an XML file are its records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headwater.connectors.inspection import CONFIDENT
from headwater.connectors.nested.config import path_of
from headwater.connectors.nested.xml_records import Watcher, pieces
from headwater.errors import InputRefused

_MOST_PATHS = 5000
_MOST_CANDIDATES = 8


@dataclass(kw_only=True)
class _Seen:
    """count: of a path in the file; most: below one parent; has_parts: attributes or children in any."""

    count: int = 0
    most: int = 0
    has_parts: bool = False


class _Outline(Watcher):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.seen: dict[tuple[str, ...], _Seen] = {}
        self._below: list[dict[str, int]] = [{}]

    def start(self, _: str, attributes: list[str], /) -> None:
        path, own = tuple(self.path), self.path[-1]
        here = self._below[-1]
        if own in here or len(here) < _MOST_PATHS:
            here[own] = here.get(own, 0) + 1
        self._below.append({})
        if path not in self.seen and len(self.seen) >= _MOST_PATHS:
            return
        seen = self.seen.setdefault(path, _Seen())
        seen.count += 1
        seen.most = max(seen.most, here.get(own, 0))
        seen.has_parts = seen.has_parts or bool(attributes)
        if path[:-1] in self.seen:
            self.seen[path[:-1]].has_parts = True

    def end(self) -> None:
        self._below.pop()


@dataclass(frozen=True, kw_only=True)
class XmlPlace:
    """Where the records are, how sure that is and why."""

    records: tuple[str, ...]
    confidence: float
    evidence: str


def find_elements(path: Path, encoding: str, name: str) -> XmlPlace:
    """Read a file through. Raises InputRefused with the candidates where none is sure enough."""
    outline = _Outline(name)
    for text in pieces(path, encoding, name):
        outline.feed(text)
    outline.finish()
    seen = outline.seen
    once = {path for path, found in seen.items() if found.count == 1}
    repeated = [
        path for path, found in seen.items() if found.most > 1 and all(path[:n] in once for n in range(1, len(path)))
    ]
    parts = [path for path in repeated if seen[path].has_parts]
    for candidates, confidence in ((repeated, 0.95), (parts, 0.85)):
        if len(candidates) == 1:
            chosen = candidates[0]
            return XmlPlace(
                records=chosen,
                confidence=confidence,
                evidence=f"{path_of(chosen)} is the element that is repeated, {seen[chosen].count:,} times",
            )
    raise _doubtful(name, parts or repeated, seen)


def _doubtful(name: str, repeated: list[tuple[str, ...]], seen: dict[tuple[str, ...], _Seen]) -> InputRefused:
    candidates = repeated or [path for path, found in seen.items() if found.has_parts]
    shown = ", ".join(path_of(path) for path in candidates[:_MOST_CANDIDATES])
    what = "several elements are repeated" if repeated else "no element is repeated, so that none is surely the record"
    return InputRefused(
        f"{what}; none is surer than {CONFIDENT:.0%}",
        where=name,
        value=shown or path_of(next(iter(seen))),
        remedy="Set source.records to the path of the elements that are records.",
    ).settled_by("source.records", map(path_of, candidates))
