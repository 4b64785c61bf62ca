"""Pages of a list, one after another, are the list: in any order, with values missing, whatever the size of a page."""

from __future__ import annotations

from itertools import count

import pytest

from headwater.errors import Misuse
from headwater.services.listing import Question
from headwater.services.records import list_records
from tests.river import River, activities

ROWS = [
    {
        "activity_id": f"L{n:02}",
        "quantity": str(n % 4),
        "supplier": "" if n % 3 == 0 else f"note {n % 5} 100%_",
        "region": "DE",
    }
    for n in range(23)
]
WRONG = (
    "quantity", "quantity:gte", "quantity:near:1", "nothing:eq:1", "quantity:eq:lots", "quantity:contains:1",
    "supplier:null:perhaps", "period_start:eq:yesterday", "chunk_id:eq:x", "row_hash:eq:zz", "supplier:eq:\ud800",
)  # fmt: skip


def test_pages_in_any_order_are_the_whole_list(river: River) -> None:
    river.load(activities(ROWS))
    whole = {row["activity_id"]: row for row in ROWS}
    for sort in (
        "supplier",
        "-supplier",
        "-supplier,quantity",
        "quantity,-supplier",
        "-quantity,-supplier,-activity_id",
        "-activity_id",
    ):
        seen = []
        cursor = None
        for page_no in count():
            question = Question(sort=sort, limit=4, cursor=cursor, count=page_no == 0)
            page = list_records(river.installation, "activity@1", question)
            seen += [item["key"] for item in page.items]
            assert page.total == (23 if page_no == 0 else None)
            cursor = page.next_cursor
            if cursor is None:
                break
        keys = sorted(whole)
        for step in reversed(sort.split(",")):
            field, turned = step.lstrip("-"), step.startswith("-")
            filled = [key for key in keys if whole[key].get(field)]
            filled.sort(key=lambda key: whole[key][field], reverse=turned)
            keys = filled + [key for key in keys if not whole[key].get(field)]
        values = [tuple(whole[key].get(step.lstrip("-")) for step in sort.split(",")) for key in seen]
        assert values == [tuple(whole[key].get(step.lstrip("-")) for step in sort.split(",")) for key in keys], sort
        assert sorted(seen) == sorted(whole)


def test_filters_hold_together_and_what_is_no_filter_is_refused_in_words(river: River) -> None:
    river.load(activities(ROWS))

    def keys(*filters: str) -> list[str]:
        return [item["key"] for item in list_records(river.installation, "activity@1", Question(filters=filters)).items]

    assert keys("supplier:null:true", "quantity:gt:2") == ["L03", "L15"]
    assert keys("supplier:contains:4 100%_", "activity_id:in:L04|L14|L05") == ["L04", "L14"]
    assert keys("supplier:contains:%%") == []
    assert keys("activity_id:starts:L2", "quantity:ne:0") == ["L21", "L22"]
    for wrong in WRONG:
        with pytest.raises(Misuse) as refused:
            keys(wrong)
        assert refused.value.where, wrong
    first = list_records(river.installation, "activity@1", Question(limit=2))
    with pytest.raises(Misuse, match="no cursor of this list"):
        list_records(river.installation, "activity@1", Question(limit=2, sort="supplier", cursor=first.next_cursor))
