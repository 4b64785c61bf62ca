"""What goes back is taken off what was bought of its kind: figures worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from headwater.errors import Misuse
from headwater.mapping import Mapping, compile_mapping, load_mapping
from headwater.mapping.compile import columns_named
from headwater.packs.erp import pack
from headwater.packs.ghg import pack as ghg
from headwater.services.netting import netted
from tests.mapped import mapped_by

ACTIVITY = next(document for document in ghg.documents() if document.name == "activity")
PURCHASES = load_mapping(Path(str(pack.mappings)) / "purchases_to_activities.yaml")
INVOICES = load_mapping(Path(str(pack.mappings)) / "invoices_to_activities.yaml")
STEEL = {
    "plant": "1010", "delivery_country": "DE", "category": "sap/R100", "category.method": "mass", "quantity_unit": "kg",
    "category.activity_type": "purchased.steel", "order_id.order_date": "2024-03-01", "order_id.document_type": "order",
    "currency": "EUR", "is_capital_good": "false",
}  # fmt: skip
ADVICE = STEEL | {"category": "sap/S200", "category.method": "spend", "category.activity_type": "purchased.consulting"}
BACK = {"is_return": "true"}
ITEMS = [
    STEEL | {"item_id": "1", "quantity": "1200.000000"},
    STEEL | {"item_id": "2", "quantity": "300.000000"},
    STEEL | {"item_id": "3", "quantity": "1250.000000"} | BACK,
    STEEL | {"item_id": "4", "quantity": "77.000000", "is_cancelled": "true"} | BACK,  # did not go back after all
    STEEL | {"item_id": "5", "quantity": "10.000000", "plant": "2020"} | BACK,  # nothing was bought for that plant
    ADVICE | {"item_id": "6", "net_amount": "1000.00"},
    ADVICE | {"item_id": "7", "net_amount": "0.35"} | BACK,
    ADVICE | {"item_id": "8", "net_amount": "400.00", "order_id.order_date": "2023-12-30"} | BACK,
    ADVICE
    | {"item_id": "9", "net_amount": "999.65", "is_cancelled": "true"},  # nothing is taken off what does not count
    ADVICE | {"item_id": "a", "net_amount": "1100.00"} | BACK,
]


def records(mapping: Mapping, key: str, rows: list[dict[str, str]], chunk: int) -> list[dict[str, str]]:
    """The rows with what is left of each, taken over so many at a time."""
    columns = [name for name in dict.fromkeys((key, *columns_named(mapping))) if name not in {"_net", "_net_of"}]
    columns += [name for name in dict.fromkeys(name for row in rows for name in row) if name not in columns]
    full = [{name: row.get(name, "") for name in columns} | {"_row_hash": f"hash {row[key]}"} for row in rows]

    def tables() -> list[pa.Table]:
        parts = [full[first : first + chunk] for first in range(0, len(full), chunk)]
        return [
            pa.table({name: pa.array([row[name] for row in part], pa.string()) for name in part[0]}) for part in parts
        ]

    with netted(mapping, [key], tables) as beside:
        more = [row for table in beside for row in table.to_pylist()]
    return [row | left for row, left in zip(full, more, strict=True)]


def mapped(mapping: Mapping, rows: list[dict[str, str]]) -> dict[str, tuple[str | None, str | None]]:
    """Quantity and reason to skip by id, as a run would have them."""
    text = "\n".join(["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]).replace('"', "'") + "\n"
    found = mapped_by(mapping, ACTIVITY, text, delimiter="\t")
    return {
        row["activity_id"]: (None if row["quantity"] is None else str(row["quantity"].normalize()), row["skip"])
        for row in found
    }


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_returns_are_taken_off_what_was_ordered_of_their_kind(chunk: int) -> None:
    found = records(PURCHASES, "item_id", ITEMS, chunk)
    left = {row["item_id"]: row["_net"] for row in found}
    assert left == {
        "1": "0.000000", "2": "250.000000", "3": "0.000000", "4": "77.000000", "5": "10.000000",
        "6": "0.000000", "7": "0.000000", "8": "400.000000", "9": "999.65", "a": "100.350000",
    }  # fmt: skip
    taken = {row["item_id"]: json.loads(row["_net_of"]) for row in found if row["_net_of"]}
    assert taken == {
        "1": [["3", "1200.000000", "hash 3"]],
        "2": [["3", "50.000000", "hash 3"]],
        "6": [["7", "0.350000", "hash 7"], ["a", "999.650000", "hash a"]],
    }
    counted = mapped(PURCHASES, found)
    assert {key: quantity for key, (quantity, reason) in counted.items() if reason is None} == {
        "1": "0", "2": "2.5E+2", "6": "0",
    }  # fmt: skip
    assert {key: reason for key, (_, reason) in counted.items() if reason} == {
        "3": "returned", "4": "cancelled", "5": "returned_and_left_over", "7": "returned",
        "8": "returned_and_left_over", "9": "cancelled", "a": "returned_and_left_over",
    }  # fmt: skip
    # 1200 + 300 - 1250 kg; 1000.00 - 0.35 - 1100.00 EUR comes to nothing, with 100.35 left over.


def test_credits_are_taken_off_what_was_billed() -> None:
    bill = {
        "system": "oracle", "company": "C", "country": "GB", "category": "x", "category.method": "spend",
        "category.activity_type": "purchased.legal", "currency": "GBP", "invoice_date": "2024-05-01",
        "release_state": "released", "is_cancelled": "false",
    }  # fmt: skip
    lines = [
        bill | {"line_id": "1", "amount": "-40.00"},
        bill | {"line_id": "2", "amount": "100.00"},
        bill | {"line_id": "3", "amount": "-5.00", "currency": "EUR"},
        bill | {"line_id": "4", "amount": "-7.00", "release_state": "held"},
        bill | {"line_id": "5", "amount": "50.00", "system": "sap", "order_number": "45"},
        bill | {"line_id": "6", "amount": "-9.00", "category.method": ""},
    ]
    found = records(INVOICES, "line_id", lines, 100)
    assert mapped(INVOICES, found) == {
        "1": ("0", "credited"),
        "2": ("6E+1", None),
        "3": ("5", "credited_and_left_over"),
        "4": ("-7", "held"),
        "5": ("5E+1", "counted_as_ordered"),
        "6": ("-9", None),  # refused: nothing says what it counts as
    }


def test_a_file_cannot_be_netted() -> None:
    columns = [name for name in columns_named(PURCHASES) if not name.startswith("_net")]
    with pytest.raises(Misuse, match="takes records off others"):
        compile_mapping(PURCHASES, ACTIVITY, columns)
