"""How far a packed file may swell: a bomb is refused while it is still small."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.errors import InputRefused

MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is let through.

    unpacked  bytes of one member
    ratio     unpacked to packed, asked only beyond `free` bytes
    entries   of an archive
    """

    unpacked: int = 20 * 1024 * MB
    ratio: int = 200
    free: int = 100 * MB
    entries: int = 10_000

    def check(self, unpacked: int, packed: int, where: str) -> None:
        """Raises InputRefused where so many bytes came out of so many."""
        if unpacked > self.unpacked:
            raise InputRefused(
                "the file is too large once unpacked",
                where=where,
                value=f"more than {self.unpacked:,} bytes",
                valid=f"at most {self.unpacked:,} bytes",
                remedy="Unpack it by hand and cut it into several files.",
            )
        if unpacked > self.free and unpacked > self.ratio * max(packed, 1):
            raise InputRefused(
                "the file swells when it is unpacked, as an archive bomb does",
                where=where,
                value=f"more than {unpacked // max(packed, 1):,} times its packed size",
                valid=f"at most {self.ratio} times, once more than {self.free // MB} MB came out",
                remedy="If it is no bomb, unpack it by hand and load the file itself.",
            )
