"""Files that can be read in several ways: the mapping says in which, whether it is named at once or chosen later."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import openpyxl
import pytest

from tests.api.conftest import Api
from tests.api.test_imports import MAPPING, TUS, ended
from tests.river import activities

FIELDS = ("activity_id", "activity_type", "region", "quantity", "unit", "period_start", "period_end")


def rows(prefix: str) -> list[dict[str, str]]:
    same = {
        "activity_type": "electricity",
        "region": "DE",
        "quantity": "5",
        "unit": "kWh",
        "period_start": "2024-01-01",
    }
    return [{"activity_id": f"{prefix}{number}", **same, "period_end": "2024-02-01"} for number in range(3)]


def workbook(prefix: str) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, of in (("data", prefix), ("draft", "NOT-")):
        sheet = book.create_sheet(name)
        sheet.append(FIELDS)
        for row in rows(of):
            sheet.append([row[field] for field in FIELDS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def arrays(prefix: str) -> bytes:
    return json.dumps({"data": rows(prefix), "draft": rows("NOT-")}).encode()


def archive(prefix: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, of in (("data.csv", prefix), ("draft.csv", "NOT-")):
            packed.writestr(name, activities(rows(of)))
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A file of two tables; `key` of a mapping's source says which is meant."""

    file: str
    content: Callable[[str], bytes]
    key: str
    said: Any
    choices: list[str]
    wrong: Any


KINDS = [
    Kind(
        file="two.xlsx", content=workbook, key="sheets", said=["data"], choices=["data", "draft"], wrong=["none"]
    ),
    Kind(file="two.json", content=arrays, key="records", said="data", choices=["data", "draft"], wrong="none"),
    Kind(
        file="two.zip", content=archive, key="member", said="data.csv", choices=["data.csv", "draft.csv"],
        wrong="none.csv",
    ),
]  # fmt: skip


def keep(client: httpx.Client, name: str, **source: object) -> str:
    kept = client.post("/mappings", json={"text": json.dumps({**MAPPING, "mapping": name, "source": source})})
    assert kept.status_code == 201, kept.text
    return name


def send(client: httpx.Client, file: str, content: bytes, **params: str) -> str:
    sent = client.post("/imports", params={"name": file, **params}, content=content, headers=TUS)
    assert sent.status_code == 201, sent.text
    import_id: str = sent.json()["import_id"]
    return import_id


def loaded(client: httpx.Client, import_id: str) -> dict[str, int]:
    ending = ended(client, import_id, "refused")
    assert ending["error"] is None, ending
    while not ending["run"]["ended"]:
        ending = ended(client, import_id)
    ledger: dict[str, int] = client.get(f"/runs/{ending['run_id']}").json()["ledger"]
    return {name: ledger[name] for name in ("inserted", "quarantined")}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.key))
def test_a_mapping_that_is_named_at_once_says_which_part_is_read(api: Api, kind: Kind) -> None:
    with api.client("data_engineer") as client:
        mapping = keep(client, f"named_{kind.key}", **{kind.key: kind.said})
        import_id = send(client, kind.file, kind.content(f"NAMED-{kind.key}-"), mapping=mapping)
        assert loaded(client, import_id) == {"inserted": 3, "quarantined": 0}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.key))
def test_without_a_mapping_the_choices_are_told_and_one_can_be_made(api: Api, kind: Kind) -> None:
    with api.client("data_engineer") as client:
        mapping = keep(client, f"chosen_{kind.key}", **{kind.key: kind.said})
        import_id = send(client, kind.file, kind.content(f"CHOSEN-{kind.key}-"))
        waits = ended(client, import_id, "inspected", "refused")
        assert (waits["state"], waits["error"]) == ("inspected", None)
        undecided = waits["found"]["undecided"]
        assert (undecided["setting"], undecided["choices"], undecided["of"]) == (
            f"source.{kind.key}", kind.choices, 2,
        )  # fmt: skip
        assert undecided["remedy"]
        seen = client.get(f"/imports/{import_id}/rows", params={"mapping": mapping})
        assert seen.status_code == 200, seen.text
        chosen = client.post(f"/imports/{import_id}/mapping", json={"mapping": mapping})
        assert chosen.status_code == 200, chosen.text
        assert chosen.json()["found"]["columns"][0] == "activity_id"
        assert loaded(client, import_id) == {"inserted": 3, "quarantined": 0}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.key))
def test_where_the_mapping_does_not_fit_it_says_so_and_another_can_be_chosen(api: Api, kind: Kind) -> None:
    with api.client("data_engineer") as client:
        wrong = keep(client, f"wrong_{kind.key}", **{kind.key: kind.wrong})
        right = keep(client, f"right_{kind.key}", **{kind.key: kind.said})
        import_id = send(client, kind.file, kind.content(f"AGAIN-{kind.key}-"), mapping=wrong)
        refused = ended(client, import_id, "refused")
        assert f"source.{kind.key}" in f"{refused['error']['where']} {refused['error']['remedy']}"
        again = client.post(f"/imports/{import_id}/mapping", json={"mapping": right})
        assert again.status_code == 200, again.text
        assert loaded(client, import_id) == {"inserted": 3, "quarantined": 0}


def test_what_no_mapping_could_settle_is_refused(api: Api) -> None:
    with api.client("data_engineer") as client:
        import_id = send(client, "cut.json", b'{"data": [{"a": 1}, {"a": ')
        refused = ended(client, import_id, "refused", "inspected")
        assert (refused["state"], refused["found"]) == ("refused", None)
        assert client.post(f"/imports/{import_id}/mapping", json={"mapping": "activity_form"}).status_code == 409
