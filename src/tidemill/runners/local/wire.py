"""How the server and the runner talk: one JSON array a line, over a Unix stream socket.

To the runner: `submit` [run …], `stop` instance run_number, `acknowledge` [[instance, run_number] …],
`shutdown` grace outcome message. From it: `hello` version runner_pid guard_pid, `accepted` [[instance, run_number] …],
`results` [result …]. Runs and results are arrays in the order of the fields in `runners/contract.py`.
"""

from __future__ import annotations

import json
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing is not imported at run time: the runner's start is cheap
    from typing import Any

    Message = list[Any]
    ResultRow = tuple[int, int, str, int | None, int, int, int, str]
    Key = tuple[int, int]

VERSION = 2
_READ_SIZE = 256 * 1024

encode = json.JSONEncoder(separators=(",", ":")).encode


class Channel:
    """One end of a connection. Nothing blocks: what cannot be sent yet is kept until `flush`."""

    __slots__ = ("_incoming", "_outgoing", "_read", "_searched", "closed", "connection")

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.closed = False
        self._read = memoryview(bytearray(_READ_SIZE))  # kept: new memory for each read would cost more than the read
        self._incoming = bytearray()
        self._searched = 0
        self._outgoing = bytearray()

    @property
    def pending(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outgoing)

    @property
    def readable(self) -> bool:
        """Whether something has come, or the connection has ended."""
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def post(self, *message: object) -> None:
        """Send a message with the next one, or when the socket is waited for."""
        self._outgoing += encode(message).encode() + b"\n"

    def send(self, *message: object) -> None:
        """Send a message, as much as the socket takes now."""
        self.post(*message)
        self.flush()

    def flush(self) -> None:
        """Send more of what waits. A lost connection sets `closed`."""
        while self._outgoing and not self.closed:
            try:
                sent = self.connection.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError:
                self.closed = True
                return
            del self._outgoing[:sent]

    def receive(self) -> list[Message]:
        """The complete messages that one read gives. The end of the connection, or nonsense on it, sets `closed`."""
        try:
            length = self.connection.recv_into(self._read)
        except BlockingIOError:
            return []
        except OSError:
            length = 0
        if not length:
            self.closed = True
            return []
        self._incoming += self._read[:length]
        end = self._incoming.rfind(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._incoming)  # a long script comes in many reads: do not search it again each time
            return []
        lines = bytes(self._incoming[:end])
        del self._incoming[: end + 1]
        self._searched = 0
        try:
            return [json.loads(line) for line in lines.split(b"\n")]
        except ValueError:
            self.closed = True
            return []

    def close(self) -> None:
        """End the connection."""
        self.closed = True
        self.connection.close()
