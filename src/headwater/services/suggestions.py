"""A first mapping of a file or a table, suggested: onto a contract that is named, or onto the one that fits best."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import WORKBOOKS
from headwater.errors import InputRefused, Misuse
from headwater.mapping.draft import SHOWN, draft
from headwater.mapping.suggest import rank, suggest
from headwater.mapping.totals import totals_in
from headwater.services.contracts_view import find_contract, list_contracts, loadable
from headwater.services.inspections import profiled, refuse_folder
from headwater.services.samples import source_keys, take_sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headwater.connectors.files import FileConfig
    from headwater.contracts import Document
    from headwater.mapping.profile import Profile
    from headwater.mapping.suggest import Suggestion
    from headwater.mapping.totals import Totals
    from headwater.services.samples import Sample

LIKE_TOTALS = re.compile("looks? like (a total|totals)")


@dataclass(frozen=True, kw_only=True)
class Suggested:
    """A suggestion with the document that says it.

    source   what was looked at: a `file`; a `connector` and its `table`, or its `file`
    records  how many of its records were
    yaml     the mapping; what is open stands in it as comments
    others   contracts that were looked at and fit less, best first; () where the contract was named
    """

    source: dict[str, str]
    records: int
    suggestion: Suggestion
    yaml: str
    others: tuple[Suggestion, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self.source,
            "records_looked_at": self.records,
            **self.suggestion.as_json(),
            "others": [{"contract": each.contract, "fit": each.fit} for each in self.others],
            "mapping": self.yaml,
        }


def suggest_mapping(path: Path, contract: str | None, hints: FileConfig, *, name: str | None = None) -> Suggested:
    """Look at a file and suggest a mapping called `name`; InputRefused where the file holds no record to look at."""
    refuse_folder(path)
    sample = take_sample(path, hints)
    return suggested_of(sample, contract, name=name or mapping_name(path.name), source={"file": sample.inspection.name})


def suggested_of(sample: Sample, contract: str | None, *, name: str, source: dict[str, str]) -> Suggested:
    """What the first records of a file suggest; InputRefused where there is none."""
    seen = profiled(sample)
    best, others = fitted(seen, contract, where=sample.inspection.name, what="file of the same layout")
    yaml = drafted(best, sample, name=name)
    return Suggested(source=source, records=seen.records, suggestion=best, yaml=yaml, others=others)


def fitted(seen: Profile, contract: str | None, *, where: str, what: str) -> tuple[Suggestion, tuple[Suggestion, ...]]:
    """The suggestion for a contract, or the best of all, and the others; InputRefused where no record was seen, with
    `what` to take instead.
    """
    if not seen.records:
        raise InputRefused(
            "there are no records to suggest a mapping from",
            where=where,
            remedy=f"Take a {what} that holds records.",
        )
    if contract is not None:
        return suggest(seen, loadable(find_contract(contract), where="contract")), ()
    best, *others = rank(seen, loadable_contracts())
    return best, tuple(others)


def drafted(found: Suggestion, sample: Sample, *, name: str) -> str:
    """The mapping that a suggestion made of this sample becomes."""
    inspection = sample.inspection
    word = "line" if inspection.format == "csv" else "row" if inspection.format in WORKBOOKS else "record"
    totals = [(_told_places(each, sample, word), each) for each in totals_in(sample.rows)]
    # Of a whole workbook inspection says where totals stand, below the sample too.
    beyond = [] if totals else [each for each in inspection.warnings if LIKE_TOTALS.search(each)]
    return draft(found, name=name, source=source_keys(inspection), totals=totals, told=beyond)


def _told_places(totals: Totals, sample: Sample, word: str) -> str:
    several = len(set(sample.parts)) > 1
    told = [
        f"{sample.numbers[place]} of {sample.parts[place]}" if several else str(sample.numbers[place])
        for place in totals.places
    ]
    more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
    return f"{word} {', '.join(told[:SHOWN])}{more}"


def loadable_contracts() -> Sequence[Document]:
    """The newest version of each contract that files are loaded into: what is calculated comes from no file."""
    newest = {document.name: document for document in list_contracts()}
    return [document for document in newest.values() if document.calculated_from is None]


def mapping_name(file: str) -> str:
    """A name for a mapping, made of a file's: letters, digits and underscores, years and days left out."""
    stem = re.sub(r"\.(csv|tsv|txt|xlsx|xlsm|xls|ods|jsonl?|geojson|ndjson|xml|parquet|gz|zst|zip)", "", file.lower())
    words = [word for word in re.findall(r"[a-z0-9]+", stem) if not re.fullmatch(r"(19|20)\d{2}\d{0,4}|\d{1,2}", word)]
    name = "_".join(words)[:60].strip("_")
    return name if name[:1].isalpha() else f"source_{name}".rstrip("_")


def write_new(path: Path, content: str | bytes, *, force: bool) -> None:
    """Write a document; Misuse where there is one already, unless `force` says that it may go."""
    if path.exists() and not force:
        raise Misuse(
            "the file is there already",
            where=str(path),
            remedy="Choose another name, or add --force to write over it.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise Misuse(f"the file cannot be written: {error.strerror}", where=str(path)) from error
