"""People come, change, leave and are erased in an order that is drawn: no file speaks of them then, all is proved."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from headwater.errors import Conflict, NotFound
from headwater.services import deletions
from headwater.services.access.erasing import erase_subject
from tests.integration.access.test_erasing_subjects import travel
from tests.integration.access.test_personal_values import load, proved
from tests.integration.access.test_redacted_files import says

if TYPE_CHECKING:
    from tests.river import River

pytestmark = [pytest.mark.server, pytest.mark.long]
PEOPLE = 7


@pytest.fixture
def drawn(request: pytest.FixtureRequest, seed: int) -> random.Random:
    return random.Random(f"{seed} {request.node.name}")


def row(drawn: random.Random, number: int, generation: int) -> str:
    name = f"Name{number}x{drawn.choice((0, 0, generation))}"
    left = "2001-01-01" if drawn.random() < 0.15 else ""
    return f"hr/77{number},hr,{name},{drawn.choice(('DE', 'FR'))},2019-05-0{number + 1},{left},1,1990-01-0{number + 1}"


@pytest.mark.parametrize("turn", range(3))
def test_people_come_and_are_erased(river: River, drawn: random.Random, turn: int) -> None:
    erased: set[int] = set()
    for generation in range(8):
        who = [number for number in range(PEOPLE) if number not in erased and drawn.random() < 0.7]
        drawn.shuffle(who)
        what = drawn.choice(("load", "load", "full", "full", "travel", "delete"))
        if what == "travel" and who:
            travel(river, *(f"hr/T{generation}{n},hr,hr/77{n},2024-01-02,train,From{n},To{n},10,km" for n in who))
        elif what == "delete" and who:
            try:
                deletions.delete(river.installation, "erp.worker", [f"hr/77{who[0]}"], reason="left")
            except (NotFound, Conflict):  # it never was there, or is deleted already
                continue
        elif who:
            rows = [row(drawn, number, generation) for number in who]
            load(river, *rows, strategy="full" if what == "full" else "delta", chunk_size=drawn.choice((1, 2, 50)))
        if generation % 2:
            one = drawn.randrange(PEOPLE)
            try:
                erase_subject(river.installation, "erp.worker", f"hr/77{one}", reason=f"turn {turn}")
            except NotFound:
                assert one in erased or not says(river, f"hr/77{one}".encode())
            erased.add(one)
            gone = [text for n in erased for text in (f"hr/77{n}", f"Name{n}x", f"1990-01-0{n + 1}", f"From{n}")]
            assert says(river, *map(str.encode, gone)) == []
            proved(river)
