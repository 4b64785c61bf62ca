from __future__ import annotations

import pytest

from headwater.contracts import Document
from headwater.mapping import read_mapping
from headwater.packs.ghg import pack
from headwater.services.tracing.field_origins import field_origins

ACTIVITY: Document = next(each for each in pack.documents() if each.name == "activity")
MAPPING = read_mapping(
    """
mapping: small
version: 1.0.0
contract: activity@1
fields:
  activity_id: {column: [id, No.]}
  quantity: {column: use}
when:
  - {columns: [amount], fields: {quantity: {expression: amount * 2}}}
""",
    where="m",
)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            {"id": "1", "use": "3"},
            {"activity_id": ("column", "id", {"id": "1"}), "quantity": ("column", "use", {"use": "3"})},
        ),
        (
            {"No.": "1", "amount": "3"},
            {"activity_id": ("column", "No.", {"No.": "1"}), "quantity": ("expression", "amount * 2", {"amount": "3"})},
        ),
        (None, {"activity_id": ("column", "id or No.", {}), "quantity": ("column", "use", {})}),
    ],
)
def test_the_origin_of_a_field_is_that_of_its_variant(
    cells: dict[str, str] | None, expected: dict[str, tuple[str, str, dict[str, str]]]
) -> None:
    found = {
        origin.field: (origin.by, origin.how, dict(origin.raw))
        for origin in field_origins(ACTIVITY, MAPPING, {}, None, cells)
        if origin.by != "open"
    }
    assert found == expected
