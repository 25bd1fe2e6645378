"""Room for the bytes of large requests: those for which there is none wait for their turn."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tidemill.domain.errors import Overloaded

SMALL = 64 * 1024  # bytes: a request up to this needs no room, the number of connections bounds these


class Room:
    """`size` bytes, given in the order of asking. Only the event loop's thread touches it."""

    def __init__(self, size: int, patience: float) -> None:
        """`patience` is how many seconds a request waits."""
        self._left = size
        self._patience = patience
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

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

    async def _take(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._serve()
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came just as we gave up
                self._left += size
            self._serve()
            if isinstance(error, TimeoutError):
                raise Overloaded("Too many large requests are being read: send this one again later.") from None
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
                return
