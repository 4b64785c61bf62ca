"""The packings known, by their first bytes and by the endings of names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

PACKINGS = ("gzip", "zip", "zstd", "bzip2", "xz")
_MAGIC = tuple(
    (re.compile(magic, re.DOTALL), packing)
    for magic, packing in (
        (rb"\x1f\x8b\x08", "gzip"),
        (rb"PK(\x03\x04|\x05\x06)", "zip"),
        (rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", "zstd"),
        (rb"BZh[1-9](1AY&SY|\x17rE8P)", "bzip2"),
        (rb"\xfd7zXZ\0", "xz"),
    )
)
ENDINGS = {
    "gz": "gzip",
    "gzip": "gzip",
    "tgz": "gzip",
    "zip": "zip",
    "zst": "zstd",
    "zstd": "zstd",
    "bz2": "bzip2",
    "xz": "xz",
}


def packing_of(head: bytes) -> str:
    """The packing of a file that begins so; "" for none. Workbooks are zips as well: whoever asks looks inside."""
    return next((packing for magic, packing in _MAGIC if magic.match(head)), "")


def unpacked_name(name: str) -> str:
    """What the one file inside is called: table.csv.gz holds table.csv."""
    path = PurePosixPath(name)
    ending = path.suffix.lower().removeprefix(".")
    if ending == "tgz":
        return path.stem + ".tar"
    return path.stem if ending in ENDINGS else path.name
