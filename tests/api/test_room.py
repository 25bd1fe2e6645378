"""Large requests wait for room, in their order, and not for ever."""

import asyncio

import pytest

from tidemill.api.room import SMALL, Room
from tidemill.domain.errors import Overloaded

LARGE = 10 * SMALL


def test_large_requests_have_room_one_after_another_and_small_ones_need_none() -> None:
    async def run() -> list[str]:
        room = Room(LARGE, patience=60)
        seen: list[str] = []
        first_may_end = asyncio.Event()

        async def request(name: str, size: int) -> None:
            async with room.hold(size):
                seen.append(name)
                if name == "first":
                    await first_may_end.wait()

        waiting = [asyncio.create_task(request(name, LARGE)) for name in ("first", "second", "third")]
        await asyncio.create_task(request("small", SMALL))
        assert seen == ["first", "small"]
        first_may_end.set()
        await asyncio.gather(*waiting)
        return seen

    assert asyncio.run(run()) == ["first", "small", "second", "third"]


def test_a_request_that_waits_too_long_is_to_be_sent_again_and_leaves_no_trace() -> None:
    async def run() -> None:
        room = Room(LARGE, patience=0.01)
        async with room.hold(LARGE):
            with pytest.raises(Overloaded):
                async with room.hold(LARGE):
                    pass
        async with room.hold(LARGE):
            pass

    asyncio.run(run())


def test_one_that_leaves_while_it_waits_lets_the_next_one_in() -> None:
    async def run() -> None:
        room = Room(LARGE, patience=60)

        async def request(size: int) -> None:
            async with room.hold(size):
                pass

        async with room.hold(SMALL + 1):
            leaving = asyncio.create_task(request(LARGE))
            fitting = asyncio.create_task(request(SMALL + 1))
            await asyncio.sleep(0)
            assert not fitting.done()
            leaving.cancel()
            await fitting
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await request(LARGE)

    asyncio.run(run())
