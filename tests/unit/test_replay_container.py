from __future__ import annotations

from pathlib import Path

from headwater.replay.container import Reader, Writer


def test_a_cell_may_be_very_long(tmp_path: Path) -> None:
    path, long = tmp_path / "a.replay", "x" * 1_000_000
    with path.open("w+b") as file, Writer(file) as writer:
        writer.add_lines("t.csv", [b"a,b\n", f"1,{long}\n".encode()])
        writer.seal({})
    reader = Reader(path)
    try:
        assert list(reader.table("t.csv")) == [{"a": "1", "b": long}]
    finally:
        reader.close()
