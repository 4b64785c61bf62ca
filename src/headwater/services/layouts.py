"""Many files, grouped by layout: one mapping a layout, one recipe a group."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from itertools import takewhile
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import FileConfig, data_members
from headwater.documents.counted import counted
from headwater.errors import InputRefused, Misuse
from headwater.mapping.draft import quoted
from headwater.mapping.naming import folded
from headwater.mapping.suggest import rank, suggest
from headwater.services.contracts_view import find_contract, loadable
from headwater.services.inspections import fitting, profiled
from headwater.services.samples import take_sample
from headwater.services.suggestions import drafted, loadable_contracts, mapping_name, write_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headwater.services.samples import Sample

SAMPLE = 500
_PARTS = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL)
"""Of a file's name: numbers, words, and each sign between."""

MAPPING, RECIPE = ".mapping.yaml", ".recipe.yaml"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Files of one layout.

    mapping   path of the mapping written, or the name of the one that a pack brings; "" where no contract fits well,
              and nothing is written
    is_shipped  whether a pack brings it
    contract  "" where the mapping is shipped
    open      required fields that the suggested mapping leaves open
    recipes   what was written: one where a pattern means just these files, else one a file
    """

    name: str
    files: tuple[str, ...]
    columns: int
    mapping: str
    is_shipped: bool
    contract: str
    open: tuple[str, ...]
    recipes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A file that cannot be read as it is, and why."""

    file: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Layouts:
    """What became of the files."""

    folder: str
    groups: tuple[Group, ...]
    refused: tuple[Refusal, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def init_recipes(paths: Sequence[Path], out: Path, *, contract: str | None = None, force: bool = False) -> Layouts:
    """Look at the files, group them, and write mappings and recipes into `out`.

    Nothing is written where one of the documents is there already with other content, unless `force` says so; the
    same files give the same documents. InputRefused where no file can be read, Misuse where none is named.
    """
    files = _files(paths)
    samples: dict[Path, Sample] = {}
    refused: list[Refusal] = []
    for path in files:
        try:
            samples[path] = _sampled(path)
        except InputRefused as error:
            refused.append(Refusal(file=str(path), why=str(error)))
    if not samples:
        raise InputRefused(
            "none of the files can be read",
            where=counted(len(files), "file"),
            value=refused[0].why if refused else None,
        )
    drafts = _Drafts(samples=samples, files=files, out=out, contract=contract, documents={})
    names: set[str] = set()
    groups = tuple(drafts.add(_name(together, names), together) for together in _grouped(samples))
    _write(drafts.documents, force=force)
    return Layouts(folder=str(out), groups=groups, refused=tuple(refused))


def _sampled(path: Path) -> Sample:
    """Of a file; of an archive the fullest of its files, which must be of one layout: its recipe reads all of them."""
    inside = data_members(path, path.name, None)
    samples = [take_sample(path, FileConfig(member=each), records=SAMPLE) for each in inside or (None,)]
    if len({layout_key(each) for each in samples}) > 1:
        raise InputRefused(
            "the archive holds files of several layouts",
            where=path.name,
            value=", ".join(inside[:10]),
            valid="files with the same columns",
            remedy="Unpack it, and name the folder instead.",
        )
    fullest = max(samples, key=lambda each: each.rows.num_rows)
    return replace(fullest, inspection=replace(fullest.inspection, member=None))


def layout_key(sample: Sample) -> tuple[object, ...]:
    """Equal for files that one mapping reads: format, names of columns, names of sheets but for their numbers."""
    found = sample.inspection
    layouts = found.config.workbook.layouts or ()
    sheets = tuple(re.sub("[0-9]+", "#", folded(layout.name)) for layout in layouts)
    return found.format, tuple(folded(column) for column in found.columns), sheets if len(sheets) > 1 else ()


def _files(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(each for each in sorted(path.iterdir()) if each.is_file() and _is_data(each)))
        elif path.is_file():
            found[path] = None
        else:
            raise Misuse("there is no such file", where=str(path), valid="files and folders that exist")
    if not found:
        raise Misuse("there are no files", where=", ".join(map(str, paths)), remedy="Name files, or a folder of them.")
    return list(found)


def _is_data(path: Path) -> bool:
    """Not what this command writes itself, and nothing hidden."""
    return not path.name.startswith(".") and path.suffix not in {".yaml", ".yml", ".md"}


def _grouped(samples: dict[Path, Sample]) -> list[list[Path]]:
    groups: dict[tuple[object, ...], list[Path]] = {}
    for path, sample in samples.items():
        groups.setdefault(layout_key(sample), []).append(path)
    return list(groups.values())


def _name(files: Sequence[Path], taken: set[str]) -> str:
    """Of the words that all names begin with, else of the first name; a number tells equal ones apart."""
    start = _common_start([_PARTS.findall(path.name) for path in files])
    name = mapping_name("".join(start))
    if len(name.removeprefix("source")) < 3:
        name = mapping_name(files[0].name)
    free = name
    number = 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


@dataclass(frozen=True, kw_only=True)
class _Drafts:
    """Documents on their way to `out`, for the files looked at."""

    samples: dict[Path, Sample]
    files: Sequence[Path]
    out: Path
    contract: str | None
    documents: dict[Path, str]

    def add(self, name: str, together: Sequence[Path]) -> Group:
        """The mapping and the recipes of one layout."""
        fullest = max(together, key=lambda path: self.samples[path].rows.num_rows)
        sample = self.samples[fullest]
        shipped = fitting(fullest, sample.inspection) if self.contract is None else ()
        mapping, contract, missing = "", "", tuple[str, ...]()
        if shipped:
            mapping = shipped[0]
        else:
            seen = profiled(sample)
            found = (
                suggest(seen, loadable(find_contract(self.contract), where="contract"))
                if self.contract
                else rank(seen, loadable_contracts())[0]
            )
            if found.fits or self.contract:
                contract, missing = found.contract, found.required_open
                mapping = f"{name}{MAPPING}"
                self.documents[self.out / mapping] = drafted(found, sample, name=name)
        recipes = []
        for suffix, path in _sources(together, self.files, self.out) if mapping else ():
            recipe = self.out / f"{name}{suffix}{RECIPE}"
            self.documents[recipe] = _recipe(f"{name}{suffix}", path, mapping)
            recipes.append(recipe.name)
        return Group(
            name=name,
            files=tuple(map(str, together)),
            columns=len(sample.inspection.columns),
            mapping=mapping,
            is_shipped=bool(shipped),
            contract=contract,
            open=missing,
            recipes=tuple(recipes),
        )


def _sources(together: Sequence[Path], every: Sequence[Path], out: Path) -> Iterable[tuple[str, str]]:
    """What recipes read: a pattern where one means these files and no other, else each file, told apart by number."""
    folders = {path.parent for path in together}
    if len(together) > 1 and len(folders) == 1:
        (folder,) = folders
        names = [path.name for path in together]
        pattern = name_pattern(names)
        others = {path.name for path in (*every, *_neighbours(folder)) if path.parent == folder} - set(names)
        is_plain = not any(sign in name for sign in "*?[" for name in names)
        if is_plain and not any(fnmatchcase(other, pattern) for other in others):
            return [("", relpath(folder / pattern, out))]
    numbers = [""] if len(together) == 1 else [f"_file_{number}" for number in range(1, len(together) + 1)]
    return [(number, relpath(path, out)) for number, path in zip(numbers, together, strict=True)]


def name_pattern(names: Sequence[str]) -> str:
    """A pattern for these names, and for later ones of their kind: numbers and words that differ become a `*` whole, so
    that what is made of -01 and -02 takes -10 too.
    """
    parts = [_PARTS.findall(name) for name in names]
    if len({len(each) for each in parts}) == 1:
        together = [each[0] if len(set(each)) == 1 else "*" for each in zip(*parts, strict=True)]
        return re.sub(r"\*+", "*", "".join(together))
    start, end = _common_start(parts), _common_start([each[::-1] for each in parts])[::-1]
    left = min(map(len, parts)) - len(start)
    return "".join([*start, "*", *end[len(end) - min(left, len(end)) :]])


def _common_start(lists: Sequence[list[str]]) -> list[str]:
    """What all begin with, part by part."""
    alike = takewhile(lambda each: len(set(each)) == 1, zip(*lists, strict=False))
    return [each[0] for each in alike]


def _neighbours(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def _recipe(name: str, path: str, mapping: str) -> str:
    return f"recipe: {name}\nversion: 1.0.0\nsource: {{path: {quoted(path)}}}\nmapping: {quoted(mapping)}\n"


def _write(documents: dict[Path, str], *, force: bool) -> None:
    """All or none."""
    for path, text in documents.items():
        if path.is_file() and not force and path.read_bytes() != text.encode():
            raise Misuse(
                "the file is there already, with other content",
                where=str(path),
                remedy="Choose another folder with --out, or add --force to write over it.",
            )
    for path, text in documents.items():
        write_new(path, text, force=True)
