"""Files that are not their own text are written again without whoever is erased, or not kept."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from headwater.errors import InputRefused
from headwater.pipeline.recipe import Recipe
from headwater.services.access.erasing import erase_subject
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.telemetry import SilentProgress
from tests.integration.access.test_erasing_subjects import shown
from tests.integration.access.test_personal_values import ANN, BOB, HEADER, PLAIN, everything, proved
from tests.integration.access.test_redacted_files import DORA, OF_ANN, kept, says

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwater.services.access.redacting import RedactedFile
    from tests.river import River

pytestmark = pytest.mark.server
ROWS = [HEADER.split(","), *(row.split(",") for row in (ANN, BOB, DORA))]
FIELDS = {name: {"column": name} for name in HEADER.split(",") if name != "Birthday"}


def load(river: River, content: bytes, *, name: str, **source: Any) -> None:
    mapping = river.folder / "workers.yaml"
    body = {"mapping": "workers", "version": "1.0.0", "contract": "erp.worker@1", "fields": FIELDS, "source": source}
    mapping.write_text(yaml.safe_dump(body))
    river.load(content, name=name, mapping=str(mapping))


def erase(river: River) -> dict[str, RedactedFile]:
    """What became of each file, by kind of blob."""
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    kinds = {row["sha256"].hex(): row["kind"] for row in river.rows("SELECT sha256, kind FROM blobs")}
    return {kinds[file.sha256]: file for file in done.files}


def unpacked(river: River) -> list[bytes]:
    """What lies in the blob store, and the members of what is packed there."""
    found = []
    for content in kept(river).values():
        found.append(content)
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                found += [packed.read(name) for name in packed.namelist()]
    return found


def nothing_speaks_of_ann(river: River) -> None:
    assert [text for content in unpacked(river) for text in (*OF_ANN, b"Ann ") if text in content] == []
    assert [name for (name,) in shown(river, "erp.worker", "name")] == ["Bob Babbage", "Dora Lee", "erased"]
    proved(river)


def a_workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """With everything by which a text may stay: shared texts, a comment, a formula, a name, properties."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Staff"
    for row in rows:
        sheet.append(list(row))
    sheet["C2"].comment = Comment("Ann Lovelace rang", "Ann Lovelace")
    sheet["K2"] = '="Ann " & "Lovelace"'
    book.defined_names["whose"] = DefinedName("whose", attr_text='"hr/4711"')
    book.properties.creator = "Ann Lovelace"
    book.properties.title = "hr/4711"
    other = book.create_sheet("Notes")
    other["B7"] = "kept"
    other.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_becomes_one_of_values_without_their_rows(river: River) -> None:
    load(river, a_workbook(ROWS), name="staff.xlsx", sheets=["Staff"])
    done = erase(river)
    assert (done["raw"].became, done["utf8"].became) == ("redacted", "redacted")
    nothing_speaks_of_ann(river)
    (copy,) = [content for content in kept(river).values() if content.startswith(b"PK")]
    book = openpyxl.load_workbook(io.BytesIO(copy))
    assert [[cell.value for cell in row][:3] for row in book["Staff"].iter_rows()] == [
        ["worker_id", "system", "name"], [None] * 3, ["hr/4712", "hr", "Bob Babbage"], ["hr/4716", "hr", "Dora Lee"],
    ]  # fmt: skip
    assert (book["Notes"]["B7"].value, book["Notes"].sheet_state) == ("kept", "hidden")
    with pytest.raises(InputRefused, match="erased"):
        load(river, (river.folder / "staff.xlsx").read_bytes(), name="staff.xlsx", sheets=["Staff"])


def test_a_parquet_file_loses_their_cells_and_what_tells_of_them(river: River) -> None:
    columns = dict(zip(ROWS[0], map(list, zip(*ROWS[1:], strict=True)), strict=True))
    table = pa.table({name: pa.array(texts) for name, texts in columns.items()})
    table = table.set_column(2, "name", table["name"].dictionary_encode())
    out = io.BytesIO()
    pq.write_table(table, out, compression="none", write_statistics=True)
    load(river, out.getvalue(), name="staff.parquet")
    assert erase(river)["raw"].became == "redacted"
    nothing_speaks_of_ann(river)
    (copy,) = [content for content in kept(river).values() if content.startswith(b"PAR1")]
    assert pq.read_table(io.BytesIO(copy))["name"].to_pylist() == [None, "Bob Babbage", "Dora Lee"]
    assert pq.read_table(io.BytesIO(copy))["country"].to_pylist() == ["DE", "FR", "FR"]


def test_text_of_another_encoding_is_redacted_in_it(river: River) -> None:
    rows = "\n".join(",".join(row) for row in ROWS).replace("Lovelace", "Lovelacé").replace("Dora", "Dóra")
    load(river, rows.encode("cp1252"), name="staff.csv", encoding="cp1252")
    assert erase(river)["raw"].became == "redacted"
    assert says(river, *OF_ANN, "Lovelacé".encode("cp1252")) == []
    assert "Dóra".encode("cp1252") in b"".join(kept(river).values())
    proved(river)


@pytest.mark.parametrize("encodings", [("utf-8", "utf-16"), ("utf-16", "utf-8"), ("cp1252", "utf-16")])
def test_the_same_text_that_came_in_two_encodings_is_redacted_in_both(river: River, encodings: tuple[str, ...]) -> None:
    rows = "\n".join(",".join(row) for row in ROWS).replace("Lovelace", "Lovelacé")
    for encoding in encodings:
        load(river, rows.encode(encoding), name="staff.csv", encoding=encoding)
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert {file.became for file in done.files} == {"redacted"}
    texts = [text for each in (*OF_ANN, "Lovelacé".encode()) for text in (each, each.decode().encode("utf-16-le"))]
    assert says(river, *texts) == []
    assert len([content for content in kept(river).values() if "Babbage".encode("utf-16-le") in content]) == 1
    proved(river)


def test_a_workbook_that_was_reshaped_is_erased_wholly(river: River) -> None:
    """Whom a record is about may stand in a column's name, or in a row above it that is no record."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["worker_id", "system", "name"], ["hr/4711", "", ""], ["", "hr", "Ann Lovelace"],
                ["hr/4712", "", ""], ["", "hr", "Bob Babbage"]):  # fmt: skip
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    mapping = river.folder / "workers.yaml"
    fields = {name: {"column": name} for name in ("worker_id", "system", "name")}
    source = {"fill_down": ["worker_id"]}
    body = {"mapping": "workers", "version": "1.0.0", "contract": "erp.worker@1", "fields": fields, "source": source}
    mapping.write_text(yaml.safe_dump(body))
    river.load(out.getvalue(), name="staff.xlsx", mapping=str(mapping))
    done = erase(river)["raw"]
    assert (done.became, done.why) == ("erased wholly", "it was reshaped when it was read")
    assert [text for content in unpacked(river) for text in OF_ANN[:2] if text in content] == []
    assert shown(river, "erp.worker", "name")[0] == ("Bob Babbage",)


def test_a_workbook_with_people_in_its_columns_is_erased_wholly(river: River) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["trip", "travel_date", "hr/4711", "hr/4712"])
    sheet.append(["T1", "2024-01-02", "600", "90"])
    out = io.BytesIO()
    book.save(out)
    said = {"travel_id": "trip", "worker_id": "who", "travel_date": "travel_date", "distance": "km"}
    constants = {"system": "hr", "mode": "train", "origin": "Kiel", "destination": "Bonn", "distance_unit": "km"}
    fields = {name: {"column": column} for name, column in said.items()}
    fields |= {name: {"constant": text} for name, text in constants.items()}
    source = {"unpivot": {"columns": ["hr/*"], "name": "who", "value": "km"}}
    mapping = river.folder / "trips.yaml"
    body = {"mapping": "trips", "version": "1.0.0", "contract": "erp.travel@1", "fields": fields, "source": source}
    mapping.write_text(yaml.safe_dump(body))
    river.load(out.getvalue(), name="trips.xlsx", mapping=str(mapping))
    done = {file.became: file.why for file in
            erase_subject(river.installation, "erp.travel", "hr/4711", reason="asked for").files}  # fmt: skip
    assert done == {"redacted": None, "erased wholly": "it was reshaped when it was read"}
    assert [content for content in unpacked(river) if b"hr/4711" in content] == []
    assert [content for content in unpacked(river) if b"hr/4712" in content] != []


def test_what_cannot_be_written_again_is_erased_wholly_and_its_text_proves(river: River) -> None:
    body = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    load(river, json.dumps(body).encode(), name="staff.json")
    done = erase(river)["raw"]
    assert (done.became, done.why) == ("erased wholly", "a file of format json is not written again")
    nothing_speaks_of_ann(river)
    assert proved(river).erased == ("staff.json",)
    with pytest.raises(InputRefused, match="erased"):
        load(river, json.dumps(body).encode(), name="staff.json")


def staff_database(river: River, path: Path) -> Callable[[], str]:
    """A database of staff, and what reads it once more and says how that ended."""
    with sqlite3.connect(path) as source:
        source.execute(f"CREATE TABLE staff ({', '.join(f'{name} TEXT' for name in ROWS[0])}, PRIMARY KEY (worker_id))")
        source.executemany(f"INSERT INTO staff VALUES ({', '.join('?' * len(ROWS[0]))})", ROWS[1:])
    source.close()
    add(river.installation, "hr", "sqlite", {"path": str(path)})
    mapping = Path(river.folder / "staff.yaml")
    mapping.write_text(
        yaml.safe_dump({"mapping": "staff", "version": "1.0.0", "contract": "erp.worker@1", "fields": FIELDS})
    )

    def sync() -> str:
        said = {"connector": "hr", "table": "staff"}
        recipe = Recipe.model_validate({"recipe": "staff", "source": said, "mapping": str(mapping)})
        run_id = plan_sync(river.installation, recipe, river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())
        (run,) = river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id)
        return str(run["state"])

    return sync


def test_an_extract_of_a_sync_is_redacted_and_reading_the_very_same_again_is_refused(river: River) -> None:
    path = river.folder / "hr.sqlite"
    sync = staff_database(river, path)
    assert sync() == "succeeded"
    assert [text for text in PLAIN if text in everything(river)] == []
    assert erase(river)["extract"].became == "redacted"
    nothing_speaks_of_ann(river)
    assert sync() in {"failed", "partial_success"}
    (chunk,) = river.rows("SELECT error FROM chunks WHERE state = 'failed'")
    assert "erased" in json.dumps(chunk["error"])
    with sqlite3.connect(path) as source:
        source.execute("DELETE FROM staff WHERE worker_id = 'hr/4711'")
    source.close()
    assert sync() == "succeeded"
    nothing_speaks_of_ann(river)


def test_what_their_source_corrected_is_proved_beside_what_was_erased(river: River) -> None:
    """Ann's record and Bob's were refused, and came in well with the next sync, which read all but is no full load."""
    path = river.folder / "hr.sqlite"
    sync = staff_database(river, path)

    def left_on(day: str) -> None:
        with sqlite3.connect(path) as source:
            source.execute("UPDATE staff SET left_on = ? WHERE name IN ('Ann Lovelace', 'Bob Babbage')", [day])
        source.close()

    left_on("2001-01-01")
    assert sync() == "succeeded_with_quarantine"
    left_on("2023-09-10")
    assert sync() == "succeeded"
    assert {row["state"] for row in river.rows("SELECT state FROM quarantine")} == {"expired"}
    proved(river)
    assert {file.became for file in erase(river).values()} == {"redacted"}
    nothing_speaks_of_ann(river)
