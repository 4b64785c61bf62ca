from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headwater.connectors.packing import Limits, members, names_in_zip, packing_of, pick, unpack, unpacked_name
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = b"a,b\n1,2\n" * 50_000


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name) if name.endswith("/") else name, data)
    return out.getvalue()


def unpacked(tmp_path: Path, data: bytes, member: str | None = None, limits: Limits | None = None) -> bytes:
    path = tmp_path / "packed"
    path.write_bytes(data)
    out = io.BytesIO()
    size = unpack(path, member, out, name="table.csv.gz", limits=limits or Limits())
    assert size == len(out.getvalue())
    return out.getvalue()


def listed(tmp_path: Path, data: bytes) -> list[str]:
    path = tmp_path / "packed"
    path.write_bytes(data)
    return [member.name for member in members(path, name="table.csv.gz")]


def refused(tmp_path: Path, data: bytes, member: str | None = None, limits: Limits | None = None) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        unpacked(tmp_path, data, member, limits)
    assert (error.value.where or "").startswith("table.csv.gz")
    return error.value


@pytest.mark.parametrize("packing", PACKERS)
def test_a_stream_is_one_file_however_many_parts_it_has(tmp_path: Path, packing: str) -> None:
    pack = PACKERS[packing]
    assert packing_of(pack(TABLE)[:16]) == packing
    assert unpacked(tmp_path, pack(TABLE)) == TABLE
    assert unpacked(tmp_path, pack(TABLE) + pack(b"3,4\n")) == TABLE + b"3,4\n"
    assert unpacked(tmp_path, pack(b"")) == b""
    assert listed(tmp_path, pack(TABLE)) == ["table.csv"]


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("left", [0.5, 0.99])
def test_a_stream_cut_off_is_refused(tmp_path: Path, packing: str, left: float) -> None:
    data = PACKERS[packing](TABLE)
    assert "damaged or cut off" in refused(tmp_path, data[: int(len(data) * left)]).what


@pytest.mark.parametrize("packing", PACKERS)
def test_a_stream_with_other_bytes_in_it_or_behind_it_is_refused(tmp_path: Path, packing: str) -> None:
    data = PACKERS[packing](bytes(range(256)) * 100)
    at = len(data) // 2
    # The frames that Arrow writes hold no checksum.
    broken = (
        b"" if packing == "zstd" else data[:at] + bytes(byte ^ 0x55 for byte in data[at : at + 20]) + data[at + 20 :]
    )
    for each in filter(None, (broken, data + b"some other bytes")):
        assert "damaged or cut off" in refused(tmp_path, each).what


def test_a_checksum_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TABLE))
    data[-6] ^= 1
    assert "damaged" in refused(tmp_path, bytes(data)).what
    archive = bytearray(zipped({"a.csv": TABLE}, zipfile.ZIP_STORED))
    archive[100] ^= 1
    assert "CRC" in refused(tmp_path, bytes(archive)).what


def test_zeros_behind_the_end_are_padding(tmp_path: Path) -> None:
    assert unpacked(tmp_path, gzip.compress(TABLE) + bytes(10_000)) == TABLE


@pytest.mark.parametrize("packing", [*PACKERS, "zip"])
def test_a_bomb_is_refused_while_it_is_small(tmp_path: Path, packing: str) -> None:
    zeros = bytes(8_000_000)
    data = zipped({"a.csv": zeros}) if packing == "zip" else PACKERS[packing](zeros)
    out = io.BytesIO()
    path = tmp_path / "packed"
    path.write_bytes(data)
    with pytest.raises(InputRefused, match="bomb"):
        unpack(path, None, out, name="x", limits=Limits(free=2_000_000))
    assert len(out.getvalue()) <= 2_000_000
    with pytest.raises(InputRefused, match="too large once unpacked"):
        unpack(path, None, io.BytesIO(), name="x", limits=Limits(unpacked=2_000_000))
    assert unpack(path, None, io.BytesIO(), name="x") == len(zeros)


def test_a_size_that_the_archive_tells_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": bytes(8_000_000)}))
    at = data.rfind(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    refused(tmp_path, bytes(data), limits=Limits(free=2_000_000))


def test_members_are_the_files_with_data_in_order(tmp_path: Path) -> None:
    files = {"b.csv": b"x", "data/": b"", "data/a.csv": b"x", "__MACOSX/._b.csv": b"x", "data/.DS_Store": b"x"}
    data = zipped(files)
    assert listed(tmp_path, data) == ["b.csv", "data/a.csv"]
    assert len(names_in_zip(tmp_path / "packed", name="x")) == 5
    found = members(tmp_path / "packed", name="x")
    assert [member.name for member in pick(found, "data/*", name="x")] == ["data/a.csv"]
    assert pick(found, None, name="x") == found
    with pytest.raises(InputRefused, match="no file in the archive"):
        pick(found, "c*", name="x")


def test_a_member_is_brought_out_by_its_name(tmp_path: Path) -> None:
    data = zipped({"b.csv": b"1", "a[1].csv": b"2"})
    assert unpacked(tmp_path, data, "b.csv") == b"1"
    assert unpacked(tmp_path, data, "a[1].csv") == b"2"
    assert "no file in the archive" in refused(tmp_path, data, "*.csv").what
    with pytest.raises(Misuse, match="several files"):
        unpacked(tmp_path, data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_only_member_needs_no_name(tmp_path: Path, method: int) -> None:
    assert unpacked(tmp_path, zipped({"a.csv": TABLE}, method)) == TABLE


@pytest.mark.parametrize(
    "member",
    ["../a.csv", "/etc/a.csv", "x/../../a.csv", "C:\\a.csv", "c:a.csv", "..\\a.csv", "\\\\h\\a.csv", "a\n.csv"],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, member: str) -> None:
    assert "leads out" in refused(tmp_path, zipped({member: b"x", "b.csv": b"y"}), "b.csv").what


def test_a_name_with_a_zero_byte_is_refused(tmp_path: Path) -> None:
    data = zipped({"aXb.csv": b"x"}).replace(b"aXb.csv", b"a\0b.csv")
    assert "leads out" in refused(tmp_path, data).what


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    data = zipped({"a.csv": b"1", "b.csv": b"2"}).replace(b"b.csv", b"a.csv")
    assert "two files of the same name" in refused(tmp_path, data, "a.csv").what


@pytest.mark.parametrize("inner", ["a.zip", "a.tar.gz", "a.7z", "a.csv.gz"])
def test_archives_in_archives_are_refused_by_name(tmp_path: Path, inner: str) -> None:
    assert "holds an archive" in refused(tmp_path, zipped({inner: b"x"})).what


@pytest.mark.parametrize("packing", [*PACKERS, "zip"])
def test_archives_in_archives_are_refused_by_content(tmp_path: Path, packing: str) -> None:
    inner = zipped({"a.csv": TABLE}) if packing == "zip" else PACKERS[packing](TABLE)
    assert "holds an archive" in refused(tmp_path, gzip.compress(inner)).what
    assert "holds an archive" in refused(tmp_path, zipped({"a.csv": inner})).what


def test_a_workbook_is_no_archive(tmp_path: Path) -> None:
    workbook = zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"})
    assert unpacked(tmp_path, gzip.compress(workbook)) == workbook


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": b"xyz"}))
    data[6] |= 1
    data[data.rfind(b"PK\1\2") + 8] |= 1
    assert "encrypted" in refused(tmp_path, bytes(data)).what


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    data = zipped({f"{n}.csv": b"" for n in range(11)})
    assert "too many files" in refused(tmp_path, data, "1.csv", Limits(entries=10)).what


@pytest.mark.parametrize("data", [b"PK\3\4" + b"x" * 100, zipped({"a.csv": TABLE})[:-30], b"PK\5\6"])
def test_a_damaged_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "damaged or cut off" in refused(tmp_path, data).what


def test_an_empty_zip_holds_nothing(tmp_path: Path) -> None:
    assert listed(tmp_path, zipped({})) == []
    assert "holds no files" in refused(tmp_path, zipped({})).what


def test_what_is_not_packed_is_refused(tmp_path: Path) -> None:
    assert "no packed file" in refused(tmp_path, TABLE).what
    with pytest.raises(Misuse, match="cannot be opened"):
        members(tmp_path / "none", name="none")


def test_names_lose_the_ending_of_the_packing() -> None:
    names = {"a.csv.gz": "a.csv", "a.tgz": "a.tar", "A.CSV.ZST": "A.CSV", "a.csv": "a.csv", "dir/a.json.xz": "a.json"}
    assert {name: unpacked_name(name) for name in names} == names
