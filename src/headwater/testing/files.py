"""Checks: a store of files lists what the pattern means, knows each version, and fetches that version or refuses."""

from __future__ import annotations

import datetime
import gc
import tempfile
from functools import partial
from pathlib import Path

from headwater.connectors.protocol import FileStore, RemoteFile
from headwater.errors import InputRefused, Misuse
from headwater.testing.checking import Check, require
from headwater.testing.file_case import FileCase
from headwater.testing.holding import peak, peak_from_now
from headwater.testing.opening import error_of, opened

NAMES = ("a.csv", "b.CSV", "b.txt", "deep/a.csv", "deep/er/c d+e&é.csv", "deep/er/2024/[1].csv", "z%20.csv")
PATTERNS: dict[str, tuple[str, ...]] = {
    "**": NAMES,
    "*": ("a.csv", "b.CSV", "b.txt", "z%20.csv"),
    "*.csv": ("a.csv", "z%20.csv"),
    "**/*.csv": ("a.csv", "deep/a.csv", "deep/er/c d+e&é.csv", "deep/er/2024/[1].csv", "z%20.csv"),
    "deep/**": ("deep/a.csv", "deep/er/c d+e&é.csv", "deep/er/2024/[1].csv"),
    "deep/*/*.csv": ("deep/er/c d+e&é.csv",),
    "deep/?.csv": ("deep/a.csv",),
    "[ab].csv": ("a.csv",),
    "deep/er/2024/[[]1].csv": ("deep/er/2024/[1].csv",),
    "nothing/**": (),
}


def _fetch(store: FileStore, file: RemoteFile) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "fetched"
        store.fetch(file, to)
        return to.read_bytes()


def listed(case: FileCase) -> None:
    """Patterns mean what they say: * within a folder, ** across, ? one character, [ab] one of; by name, with sizes."""
    case.empty()
    for name in NAMES:
        case.put(name, name.encode() * 3)
    for pattern, meant in PATTERNS.items():
        with opened(case, case.config(pattern)) as store:
            found = store.files()
        names = [file.name for file in found]
        require(names == sorted(meant), f"the pattern {pattern} means {sorted(meant)}; listed are {names}")
        sizes = {file.name: file.size for file in found}
        require(sizes == {name: 3 * len(name.encode()) for name in meant}, f"the sizes are told as {sizes}")
        for file in found:
            require(bool(file.version), f"{file.name} has no version")
            told = file.modified is None or datetime.datetime.fromisoformat(file.modified).tzinfo is not None
            require(told, f"{file.name}: modified must say its time zone: {file.modified!r}")


def fetched(case: FileCase) -> None:
    """Bytes are fetched as they are, of strange names and empty files too."""
    case.empty()
    contents = {name: bytes(range(256)) * n for n, name in enumerate(NAMES)}
    for name, data in contents.items():
        case.put(name, data)
    with opened(case) as store:
        for file in store.files():
            require(_fetch(store, file) == contents[file.name], f"{file.name} is fetched with other bytes")


def versions(case: FileCase) -> None:
    """A version stays while the bytes do, and changes with them, to others of the same length too."""
    case.empty()
    case.put("a.csv", b"one")
    case.put("b.csv", b"stays")
    with opened(case) as store:
        first = {file.name: file.version for file in store.files()}
        again = {file.name: file.version for file in store.files()}
        case.put("a.csv", b"two")
        case.put("c.csv", b"new")
        then = {file.name: file.version for file in store.files()}
    require(first == again, "versions change though no file did")
    require(then["b.csv"] == first["b.csv"], "the version of a file changes though its bytes do not")
    require(then["a.csv"] != first["a.csv"], "a file of other bytes has the version it had before")
    require(set(then) == {"a.csv", "b.csv", "c.csv"}, f"a new file is not listed: {sorted(then)}")


def changed_meanwhile(case: FileCase) -> None:
    """A file that changed or went since it was listed is refused, and nothing is left where it was to be written."""
    case.empty()
    for name in ("a.csv", "b.csv"):
        case.put(name, b"one")
    with opened(case) as store, tempfile.TemporaryDirectory() as folder:
        listed_before = {file.name: file for file in store.files()}
        case.put("a.csv", b"two")
        case.remove("b.csv")
        for name, file in listed_before.items():
            to = Path(folder) / name
            error = error_of(partial(store.fetch, file, to), f"fetch of {name}, which changed since it was listed,")
            require(
                isinstance(error, InputRefused),
                f"a changed file raises {type(error).__name__}, it must be InputRefused",
            )
            require(name in str(error), f"the refusal does not name the file: {error}")
            require(not list(Path(folder).iterdir()), "a refused file leaves something behind")


def limits(case: FileCase) -> None:
    """More files than the config takes, or larger ones, are refused and not left out in silence."""
    case.empty()
    for name in ("a.csv", "b.csv", "c.csv"):
        case.put(name, b"0123456789")
    for config, what in (
        (case.limited(files=2), "three files where two are taken"),
        (case.limited(size=5), "a file of 10 bytes where 5 are taken"),
    ):
        with opened(case, config) as store:
            error = error_of(store.files, what)
            require(isinstance(error, InputRefused | Misuse), f"{what}: {type(error).__name__}")
    with opened(case, case.limited(files=3, size=10)) as store:
        require(len(store.files()) == 3, "three files within the limits are not listed")


def streamed(case: FileCase) -> None:
    """A large file is streamed to disk: the process grows by far less than its size."""
    case.empty()
    case.put("small.csv", b"x")
    case.put("large.csv", b"0123456789abcdef" * (case.many_bytes // 16))
    with opened(case) as store, tempfile.TemporaryDirectory() as folder:
        large, small = store.files()
        store.fetch(small, Path(folder) / "small")
        gc.collect()
        before = peak_from_now()
        store.fetch(large, Path(folder) / "large")
        grown = peak() - before
        require((Path(folder) / "large").stat().st_size == large.size, "a large file is not fetched whole")
    says = f"fetching {large.size / 2**20:.0f} MiB, the process grows by {grown / 2**20:.0f} MiB"
    require(grown <= case.memory, f"{says}; {case.memory / 2**20:.0f} MiB are allowed")


CHECKS = (
    Check(name="patterns", what=listed.__doc__ or "", run=listed),
    Check(name="bytes", what=fetched.__doc__ or "", run=fetched),
    Check(name="versions", what=versions.__doc__ or "", run=versions),
    Check(name="changed meanwhile", what=changed_meanwhile.__doc__ or "", run=changed_meanwhile),
    Check(name="limits", what=limits.__doc__ or "", run=limits, needs=("limits",)),
    Check(name="streamed", what=streamed.__doc__ or "", run=streamed, needs=("memory",)),
)
