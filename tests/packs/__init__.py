"""Packs of tests, found through the same door as those that are installed."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, **packs: str) -> None:
    """Make what Python takes for an installed package that brings packs, as `module:name`; `folder` is on the path."""
    info = folder / "headwater_test_packs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headwater-test-packs\nVersion: 1.0\n")
    entries = "".join(f"{name} = {where}\n" for name, where in packs.items())
    (info / "entry_points.txt").write_text(f"[headwater.packs]\n{entries}")
