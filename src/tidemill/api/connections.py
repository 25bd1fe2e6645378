"""All connections of a server: how many there may be, which one yields to a new one, and which one is too slow."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

SLOWEST = 4096  # bytes a second: a client that is slower is cut off
MAX_LONG_HEADS = 16
_LOOK = 1.0  # seconds at most between looks at how fast clients are


class Connection(Protocol):
    """What is asked of a connection."""

    def dismiss(self) -> None:
        """Close it: another one needs its place."""
        ...

    def cut_if_slow(self, now: float, patience: float) -> None:
        """Close it if its client has had `patience` seconds and sent, or taken, too little; `now` is monotonic."""
        ...


@dataclass
class Connections:
    """`most` may be open; `patience` is in seconds. Only the event loop's thread touches this.

    Connections are `idle` (kept open by clients between two requests), `reading` (a request, or its beginning, is to
    come), or neither: a request is being answered. Both are in the order in which they became so. `open` has all.
    """

    most: int = 500
    patience: float = 20.0
    idle: dict[Connection, None] = field(default_factory=dict[Connection, None])
    reading: dict[Connection, None] = field(default_factory=dict[Connection, None])
    long_heads: int = 0
    open: set[Connection] = field(default_factory=set[Connection])
    _watching: bool = False

    def add(self, connection: Connection) -> bool:
        """Count a new connection, at the cost of one that idles or has been sending longest; False if none can yield.

        Of very many clients that send next to nothing, each has a place only until the next one comes; an honest
        client needs it for a few milliseconds.
        """
        if len(self.open) >= self.most:
            victim = next(iter(self.idle), None) or next(iter(self.reading), None)
            if victim is None:
                return False
            self.place(victim, None)  # it counts until it is gone
            victim.dismiss()
        self.open.add(connection)
        if not self._watching:
            self._look_later()
        return True

    def remove(self, connection: Connection) -> None:
        self.open.discard(connection)
        self.place(connection, None)

    def place(self, connection: Connection, where: dict[Connection, None] | None) -> None:
        """Put it at the end of `idle` or `reading`, or into neither."""
        self.idle.pop(connection, None)
        self.reading.pop(connection, None)
        if where is not None:
            where[connection] = None

    def _watch(self) -> None:
        now = monotonic()
        for connection in list(self.open):
            connection.cut_if_slow(now, self.patience)
        self._watching = False
        if self.open:
            self._look_later()

    def _look_later(self) -> None:
        self._watching = True
        asyncio.get_running_loop().call_later(min(_LOOK, self.patience / 4), self._watch)
