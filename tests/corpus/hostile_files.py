"""Files that nobody means well by, drawn by chance: damaged, swollen, nested, too wide, falsely called.

Each kind makes a name and the bytes under it. What they hold besides is drawn: two draws are two files.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.river import ACTIVITY_COLUMNS, activities

Made = tuple[str, bytes]
MB = 2**20
ENDINGS = ("csv", "xlsx", "xls", "ods", "json", "jsonl", "xml", "parquet", "zip", "gz", "txt", "")
SHEET = "xl/worksheets/sheet1.xml"


def table(draw: random.Random, rows: int = 30) -> str:
    """A CSV that would load."""
    mark = draw.getrandbits(40)
    return activities([{"activity_id": f"{mark}-{n}", "quantity": str(draw.randint(0, 9999))} for n in range(rows)])


def workbook(draw: random.Random) -> bytes:
    """A workbook that would load."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in table(draw).splitlines():
        book.active.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(draw: random.Random) -> bytes:
    """The same in columns."""
    rows = [line.split(",") for line in table(draw).splitlines()]
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))), out)
    return out.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """An archive of these."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def zipped_again(whole: bytes, changes: Mapping[str, bytes]) -> bytes:
    """An archive with other bytes under some of its names."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return zipped({name: changes.get(name, archive.read(name)) for name in archive.namelist()})


def damaged(draw: random.Random, data: bytes) -> bytes:
    """Cut off, with bytes changed, a stretch doubled, taken out or zeroed."""
    at, length = draw.randrange(len(data)), draw.randint(1, max(1, len(data) // 4))
    how = draw.randrange(5)
    if how == 0:
        return data[: at or 1]
    if how == 1:
        changed = bytearray(data)
        for _ in range(draw.randint(1, 40)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        return bytes(changed)
    return data[:at] + [data[at : at + length] * 2, b"", bytes(length)][how - 2] + data[at + length :]


def _damaged_workbook(draw: random.Random) -> Made:
    return "damaged.xlsx", damaged(draw, workbook(draw))


def _damaged_sheet(draw: random.Random) -> Made:
    """The archive is whole, what is in it is not."""
    whole = workbook(draw)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        part = draw.choice(archive.namelist())
        return "damaged within.xlsx", zipped_again(whole, {part: damaged(draw, archive.read(part))})


def _damaged_other(draw: random.Random) -> Made:
    text = table(draw).encode()
    rows = [dict(zip(ACTIVITY_COLUMNS, line.split(","), strict=True)) for line in table(draw).splitlines()[1:]]
    whole = {
        "damaged.csv": text,
        "damaged.zip": zipped({"a.csv": text}),
        "damaged.gz": gzip.compress(text),
        "damaged.bz2": bz2.compress(text),
        "damaged.xz": lzma.compress(text),
        "damaged.parquet": parquet(draw),
        "damaged.json": json.dumps(rows).encode(),
        "damaged.jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "damaged.xml": b"<all>" + b"<one><a>1</a><b>x</b></one>" * 50 + b"</all>",
    }
    name = draw.choice(list(whole))
    return name, damaged(draw, whole[name])


def _noise(draw: random.Random) -> Made:
    """Bytes that are nothing, after the first ones of something."""
    first = draw.choice(
        (b"", b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"\x1f\x8b\x08", b"<?xml ", b"{")
    )
    return f"noise.{draw.choice(ENDINGS)}".rstrip("."), first + draw.randbytes(draw.randint(0, 5000))


def _old_workbook(draw: random.Random) -> Made:
    """A compound file with a stream of a workbook in its directory, and nothing that is right around it."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + draw.randbytes(504)
    entry = "Workbook".encode("utf-16-le").ljust(64, b"\0") + (18).to_bytes(2, "little") + draw.randbytes(62)
    return "old.xls", head + entry + draw.randbytes(4096)


def _bomb(draw: random.Random) -> Made:
    """Little that becomes much."""
    swollen = draw.choice((b"\0", b"a,", b"<a>", b"[", b"1,2\n")) * (40 * MB)
    pack = draw.choice(("gz", "zip", "xz", "bz2"))
    packed = {
        "gz": lambda: gzip.compress(swollen, 9),
        "zip": lambda: zipped({"a.csv": swollen}),
        "xz": lambda: lzma.compress(swollen, preset=0),
        "bz2": lambda: bz2.compress(swollen),
    }
    return f"bomb.csv.{pack}" if pack != "zip" else "bomb.zip", packed[pack]()


def _bomb_in_workbook(draw: random.Random) -> Made:
    """A sheet, or the texts that all sheets share, of one cell or of very many."""
    start = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    cell = draw.choice((b'<c r="A1"><v>', b'<c r="A1" t="inlineStr"><is><t>'))
    swollen = start + draw.choice((cell + b"1" * (120 * MB), b'<c r="A1"><v>1</v></c>' * (6 * MB), b"<c>" * (20 * MB)))
    part = draw.choice((SHEET, "xl/styles.xml", "xl/workbook.xml"))
    return "bomb.xlsx", zipped_again(workbook(draw), {part: swollen})


def _nested_archive(draw: random.Random) -> Made:
    data, depth = table(draw).encode(), draw.randint(2, 12)
    for level in range(depth):
        data = zipped({f"level {level}.zip" if level else "a.csv": data})
    return "nested.zip", data


def _many_members(draw: random.Random) -> Made:
    return "many.zip", zipped({f"{n}.csv": b"a\n1\n" for n in range(draw.choice((2, 12_000)))})


def _hostile_member(draw: random.Random) -> Made:
    name = draw.choice(("../../out.csv", "/etc/out.csv", "C:\\out.csv", "a\x01.csv", "x" * 5000 + ".csv", "con.csv"))
    return "members.zip", zipped({name: table(draw).encode()})


def _deep(draw: random.Random) -> Made:
    """Brackets in brackets, elements in elements."""
    depth = draw.choice((90, 101, 3000, 500_000))
    kind = draw.choice(("list", "object", "xml", "line"))
    if kind == "xml":
        return "deep.xml", b"<r>" + b"<a>" * depth + b"1" + b"</a>" * depth + b"</r>"
    if kind == "list":
        return "deep.json", b'[{"a":' + b"[" * depth + b"1" + b"]" * depth + b"}]"
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    return ("deep.jsonl", b'{"a":1}\n' + deep + b"\n") if kind == "line" else ("deep.json", b"[" + deep + b"]")


def _entities(_draw: random.Random) -> Made:
    """A document that grows by its own names, and would read a file of the server."""
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "ha"><!ENTITY f SYSTEM "file:///etc/passwd">{names}]>'
    return "entities.xml", f"{text}<r><one><a>&e9;&f;</a></one></r>".encode()


def _huge_cell(draw: random.Random) -> Made:
    text = draw.choice(("x", "9", "é", '""', "\n")) * draw.choice((100_000, 3 * MB, 20 * MB))
    if draw.random() < 0.3:
        return "huge.json", json.dumps([{"activity_id": text}]).encode()
    return "huge.csv", table(draw).encode() + f'"{text}",electricity\n'.encode()


def _many_columns(draw: random.Random) -> Made:
    wide = draw.choice((1700, 20_000, 300_000))
    if draw.random() < 0.3:
        return "wide.json", json.dumps([{f"c{n}": n for n in range(wide)}] * 2).encode()
    lines = [",".join(f"{letter}{n}" for n in range(wide)) for letter in "cx"]
    return "wide.csv", "\n".join(lines).encode() + b"\n"


def _many_rows(draw: random.Random) -> Made:
    return "long.csv", draw.choice(
        (b"a,b\n" + b"1,2\n" * MB, b"\n" * 4 * MB, b"\n" * MB + b"a,b\n1,2\n", b"a\n" + b'"' * 4 * MB)
    )


def _odd_cells(draw: random.Random) -> Made:
    """What a person would not write into a cell, in each column of a table that is right otherwise."""
    odd = ("\0", "\ud800", "1e999999", "9" * 400, "NaN", "-inf", "0000-00-00", "9999-99-99", "=cmd|'/c calc'!A0",
           "\u202e", "'; DROP TABLE tenants; --", "{{7*7}}", "\x1a", "٣٤", "1_000", "\ufeff", "\x85")  # fmt: skip
    cells = {name: draw.choice(odd) for name in draw.sample(ACTIVITY_COLUMNS, 4)}
    return "odd.csv", (table(draw) + activities([cells]).splitlines()[1] + "\n").encode("utf-8", "surrogatepass")


def _odd_texts(draw: random.Random) -> Made:
    """Texts that no column of a database takes, in values and in names of columns."""
    odd = draw.choice(("a\0b", "\ud800", "\uffff", "x" * 70_000, "\u202e\u0007", ""))
    row = {"activity_id": odd, "note": "1"} if draw.random() < 0.5 else {odd: "1", "activity_id": "1"}
    kind = draw.choice(("json", "jsonl", "parquet", "xlsx"))
    if kind == "parquet":
        out = io.BytesIO()
        told = {name.encode("utf-8", "replace").decode(): [value] for name, value in row.items()}
        pq.write_table(
            pa.table({name: pa.array([v[0].encode("utf-8", "replace").decode()]) for name, v in told.items()}), out
        )
        return "odd.parquet", out.getvalue()
    if kind == "xlsx":
        escaped = {name: "".join(f"_x{ord(sign):04X}_" for sign in name[:50]) for name in (*row, *row.values())}
        cells = [
            "".join(f'<c t="inlineStr"><is><t>{escaped[text]}</t></is></c>' for text in line)
            for line in zip(*row.items(), strict=True)
        ]
        sheet = "".join(f'<row r="{n}">{line}</row>' for n, line in enumerate(cells, 1))
        start = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        return "odd.xlsx", zipped_again(workbook(draw), {SHEET: f"{start}{sheet}</sheetData></worksheet>".encode()})
    return f"odd.{kind}", (json.dumps([row, row]) if kind == "json" else f"{json.dumps(row)}\n" * 2).encode()


def _falsely_called(draw: random.Random) -> Made:
    whole = {"csv": table(draw).encode(), "xlsx": workbook(draw), "parquet": parquet(draw), "json": b'[{"a": 1}]'}
    kind = draw.choice(list(whole))
    return f"called.{draw.choice([each for each in ENDINGS if each != kind])}".rstrip("."), whole[kind]


def _other_encoding(draw: random.Random) -> Made:
    encoding = draw.choice(("utf-16", "utf-16-le", "utf-32", "cp037", "shift_jis", "latin-1"))
    return "encoded.csv", damaged(draw, (table(draw) + "Zürich\n").encode(encoding, "replace"))


def _nothing(draw: random.Random) -> Made:
    return f"nothing.{draw.choice(ENDINGS)}".rstrip("."), draw.choice((b"", b"\0", b"\n", b"\xef\xbb\xbf", b" " * 9999))


KINDS: tuple[Callable[[random.Random], Made], ...] = (
    _damaged_workbook, _damaged_sheet, _damaged_other, _noise, _old_workbook, _bomb, _bomb_in_workbook, _nested_archive,
    _many_members, _hostile_member, _deep, _entities, _huge_cell, _many_columns, _many_rows, _odd_cells, _odd_texts,
    _falsely_called, _other_encoding, _nothing,
)  # fmt: skip
