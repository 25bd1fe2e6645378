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


async def slow(room: Room, size: int, begun: asyncio.Event, whole: asyncio.Event) -> None:
    """Has room and reads a body that goes on until it is said to be whole."""
    async with room.hold(size):
        begun.set()
        await room.read(size, whole.wait())


def test_bodies_that_take_too_long_yield_one_by_one_to_those_who_wait() -> None:
    async def run() -> None:
        room = Room(3 * LARGE, patience=0.05)
        whole = asyncio.Event()
        holders: list[asyncio.Task[None]] = []
        for _ in range(3):
            begun = asyncio.Event()
            holders.append(asyncio.create_task(slow(room, LARGE, begun, whole)))
            await begun.wait()
        while room._reading and next(iter(room._reading.values())) + 0.05 > asyncio.get_running_loop().time():
            await asyncio.sleep(0.01)
        assert not any(holder.done() for holder in holders)  # nobody waits
        async with room.hold(2 * LARGE):
            outcomes = await asyncio.gather(*holders[:2], return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Overloaded, Overloaded]
            whole.set()
            await holders[2]

    asyncio.run(run())


def test_a_body_that_is_whole_keeps_its_room_and_one_that_fails_gives_it_back() -> None:
    async def run() -> None:
        room = Room(LARGE, patience=0.01)

        async def broken() -> None:
            raise TimeoutError("of its own")

        async with room.hold(LARGE):
            await room.read(LARGE, asyncio.sleep(0))
            with pytest.raises(Overloaded, match="Too many"):
                async with room.hold(LARGE):
                    pass
        with pytest.raises(TimeoutError, match="of its own"):
            async with room.hold(LARGE):
                await room.read(LARGE, broken())
        async with room.hold(LARGE):
            pass

    asyncio.run(run())
