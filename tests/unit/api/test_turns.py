"""A few requests are worked on at once, in the order they came; one that lasts lets the next begin."""

from __future__ import annotations

import asyncio

from headwater.api.turns import Turns


def test_so_many_are_worked_on_at_once_in_their_order() -> None:
    async def ask() -> None:
        turns, begun, go = Turns(at_once=2, seconds=60), list[int](), [asyncio.Event() for _ in range(4)]

        async def one(number: int) -> None:
            async with turns.turn():
                begun.append(number)
                await go[number].wait()

        asked = [asyncio.create_task(one(number)) for number in range(4)]
        await asyncio.sleep(0)
        assert begun == [0, 1]
        for number, then in ((1, [0, 1, 2]), (0, [0, 1, 2, 3])):
            go[number].set()
            await asked[number]
            await asyncio.sleep(0)
            assert begun == then
        go[2].set()
        go[3].set()
        await asyncio.gather(*asked)

    asyncio.run(ask())


def test_one_that_lasts_keeps_nobody_waiting_and_gives_one_place_back() -> None:
    async def ask() -> None:
        brief, lasts = Turns(at_once=1, seconds=0), asyncio.Event()

        async def long() -> None:
            async with brief.turn():
                await lasts.wait()

        first = asyncio.create_task(long())
        await asyncio.sleep(0)
        async with brief.turn():  # though the first goes on
            assert not first.done()
        lasts.set()
        await first  # which had given its place back: it is not given back again
        go, begun = asyncio.Event(), list[int]()

        async def one(number: int) -> None:
            async with turns.turn():
                begun.append(number)
                await go.wait()

        turns = Turns(at_once=1, seconds=60)
        async with turns.turn():
            pass
        both = [asyncio.create_task(one(number)) for number in range(2)]
        await asyncio.sleep(0)
        assert begun == [0]
        go.set()
        await asyncio.gather(*both)

    asyncio.run(ask())
