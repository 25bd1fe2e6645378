"""Room for the bytes of large requests: those for which there is none wait for their turn, and the slow make room."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from tidemill.domain.errors import Overloaded

T = TypeVar("T")

SMALL = 64 * 1024  # bytes: a request up to this needs no room, the number of connections bounds these


class Room:
    """`size` bytes, given in the order of asking. Only the event loop's thread touches it."""

    def __init__(self, size: int, patience: float) -> None:
        """`patience` is how many seconds a request waits, and how many its body may take while others wait."""
        self._left = size
        self._patience = patience
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._reading: dict[asyncio.Timeout, float] = {}  # those that have room: since when, by the loop's clock

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncGenerator[None]:
        """Room for `size` bytes for the length of the block. Raises Overloaded if there is none for too long."""
        if size <= SMALL:
            yield
            return
        await self._take(size)
        try:
            yield
        finally:
            self._left += size
            self._serve()

    async def read(self, size: int, body: Awaitable[T]) -> T:
        """What a request of this size, which has its room, reads. Raises Overloaded if it has to yield to others.

        Else few who send slowly would keep all room for as long as their bodies can be drawn out.
        """
        if size <= SMALL:
            return await body
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                self._reading[timeout] = asyncio.get_running_loop().time()
                self._press()
                try:
                    return await body
                finally:
                    del self._reading[timeout]
                    self._press()
        except TimeoutError:
            if not timeout.expired():
                raise
            raise Overloaded("The request came slowly, and others wait for its room: send it again later.") from None

    def _press(self) -> None:
        """While somebody waits, the body that has been read longest yields once it has had its time."""
        timeout, since = next(iter(self._reading.items()), (None, 0.0))
        if timeout is None or timeout.expired():  # the latter yields already
            return
        waited_for = any(not turn.done() for _, turn in self._waiting)
        timeout.reschedule(since + self._patience if waited_for else None)

    async def _take(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._serve()
        try:
            while not turn.done():
                await asyncio.wait({turn}, timeout=self._patience)
                is_yielding = any(timeout.expired() for timeout in self._reading)  # just now: wait for what it had
                if not (turn.done() or is_yielding):
                    raise Overloaded("Too many large requests are being read: send this one again later.")
        except BaseException:
            if turn.done():  # it came just as we were cancelled
                self._left += size
            turn.cancel()
            self._serve()
            raise

    def _serve(self) -> None:
        """Give room to those who wait, as far as it reaches."""
        while self._waiting:
            size, turn = self._waiting[0]
            if turn.done():  # gave up
                self._waiting.popleft()
            elif size <= self._left:
                self._waiting.popleft()
                self._left -= size
                turn.set_result(None)
            else:
                break
        self._press()
