from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from headwater.api import limits
from headwater.api.limits import OnceASecond, Pace, Places, Recognised
from headwater.api.problems import StatusError
from headwater.errors import RetryLater


def test_long_requests_have_places_of_their_own_and_wait_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)

    async def scenario() -> None:
        places = Places("upload", each=2, most=3)
        held = [await places.take("ann"), await places.take("ann")]
        with pytest.raises(StatusError) as by_one:
            await places.take("ann")
        assert (by_one.value.status, by_one.value.after) == (429, 5)
        held.append(await places.take("bob"))
        with pytest.raises(StatusError) as by_all:
            await places.take("carl")
        assert by_all.value.status == 503
        waiting = asyncio.create_task(places.take("ann"))
        await asyncio.sleep(0)
        held[0]()
        held[0]()  # a second time changes nothing
        held.append(await waiting)
        for give_back in held:
            give_back()
        for give_back in [await places.take("carl"), await places.take("carl"), await places.take("ann")]:
            give_back()
        assert places._own == {}

    asyncio.run(scenario())


def test_who_gives_up_waiting_leaves_no_place_taken() -> None:
    async def scenario() -> None:
        places = Places("export", each=1, most=1)
        give_back = await places.take("ann")
        waiting = [asyncio.create_task(places.take(name)) for name in ("ann", "bob")]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        give_back()
        (await places.take("bob"))()
        assert places._own == {}

    asyncio.run(scenario())


def test_an_address_has_a_pace_and_a_token_is_recognised_until_it_holds_no_more() -> None:
    pace, recognised = Pace(60, of="address"), Recognised()
    for _ in range(10):
        pace.take("192.0.2.1")
    with pytest.raises(StatusError, match="too many"):
        pace.take("192.0.2.1")
    pace.take("192.0.2.2")
    assert "secret" not in recognised
    recognised.add("secret")
    assert "secret" in recognised
    assert "secret" not in repr(vars(recognised))
    recognised.forget("secret")
    assert "secret" not in recognised


@dataclass
class Question:
    asked: int = 0
    answers: list[Exception | None] = field(default_factory=list)

    def __call__(self) -> None:
        self.asked += 1
        if self.answers and (error := self.answers.pop(0)):
            raise error


def test_a_question_is_asked_once_a_second_and_its_error_is_told_meanwhile() -> None:
    question = Question(answers=[RetryLater("away"), None])
    ready = OnceASecond(question)
    for _ in range(3):
        with pytest.raises(RetryLater):
            ready()
    assert question.asked == 1
    ready._asked = -1.0
    ready()
    ready()
    assert question.asked == 2
