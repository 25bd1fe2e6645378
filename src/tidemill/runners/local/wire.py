"""Messages between server and runner: one JSON array a line on a Unix socket in the data directory.

Server to runner: `["submit", [run, …]]`, `["stop", instance, run]`, `["ack", [[instance, run], …]]`,
`["leave", grace]`.
Runner to server: `["accepted", [[instance, run], …]]` and `["results", [result, …]]`.
"""

import json
import os
import select
import socket
from collections.abc import Sequence
from typing import Any

from tidemill.runners.contract import Result, Run

SOCKET = "socket"
_READ = 1 << 18


def encode(*message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def run_fields(run: Run) -> list[object]:
    return [run.instance, run.run_number, run.task_type, run.script, run.log, run.timeout, run.arguments,
            dict(run.environment)]  # fmt: skip


def result_fields(r: Result) -> list[object]:
    return [r.instance, r.run_number, r.outcome, r.exit_code, r.started, r.ended, r.process_id, r.message]


def connect(directory: str) -> socket.socket:
    """Connect to the runner of a data directory, however long its path is. Raises OSError."""
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(f"/proc/self/fd/{place}/{SOCKET}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(place)
    return connection


def listen(directory: str) -> socket.socket:
    """The runner's side; whatever socket an earlier runner left there is replaced."""
    os.chdir(directory)
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    listener.listen(4)
    listener.setblocking(False)
    return listener


class Lines:
    """Splits what arrives on a socket into messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parts: list[bytes] = []

    def waiting(self) -> bool:
        """Whether something has arrived, be it the other side's end."""
        return bool(select.select([self._connection], [], [], 0)[0])

    def read(self) -> Sequence[list[Any]]:
        """The messages that one read completes. Raises EOFError when the other side has closed."""
        try:
            data = self._connection.recv(_READ)
        except BlockingIOError:
            return []
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        *complete, rest = data.split(b"\n")
        if not complete:
            self._parts.append(rest)
            return []
        complete[0] = b"".join(self._parts) + complete[0]
        self._parts = [rest] if rest else []
        return [json.loads(line) for line in complete]
