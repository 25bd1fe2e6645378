"""Reaching the runner of a data directory: its socket, its guard, and starting a guard where there is none."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tidemill
from tidemill.runners.local import layout
from tidemill.runners.local.settings import Settings
from tidemill.runners.local.wire import VERSION, Channel

if TYPE_CHECKING:
    from tidemill.runners.local.wire import Message

_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from tidemill.runners.local import guard; guard.main()"
_BETWEEN_STARTS = 0.2  # seconds
_COMPLAINT_LENGTH = 2000  # characters


class RunnerUnavailable(RuntimeError):
    """The runner cannot be reached or started; the message says why, as far as is known."""


class Wake:
    """A descriptor that any thread can make readable."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # so that `set` never writes to a number that was closed and given anew
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        """Make it readable; nothing happens after `close`."""
        with self._lock:
            if self.descriptor >= 0:
                os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        """Make it unreadable until the next `set`."""
        os.eventfd_read(self.descriptor)

    def close(self) -> None:
        """Give the descriptor back."""
        with self._lock:
            if self.descriptor >= 0:
                os.close(self.descriptor)
            self.descriptor = -1


class Connection:
    """A channel to the runner, which comes and goes, and the guard, by a descriptor that tells whether it lives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._child = 0  # the guard that this process started, until it is reaped
        self._guard = -1  # process descriptor of the guard that greeted last
        self._may_start_at = 0.0
        self.channel: Channel | None = None
        self.greeted = False  # on the present channel
        self.leaving = False  # start no more guards

    @property
    def guard_lives(self) -> bool:
        """Whether the guard that greeted last is alive, or one that was started and has not greeted yet."""
        self._child_status()
        if self._child:
            return True
        if self._guard < 0:
            return False
        poll = select.poll()
        poll.register(self._guard, select.POLLIN)
        return not poll.poll(0)

    def open(self) -> bool:
        """Try to connect; where that fails and no guard lives, start one and let the caller try again."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            directory = os.open(self._settings.data_directory, os.O_PATH | os.O_DIRECTORY)
            try:
                connection.connect(layout.socket_address(directory))
            finally:
                os.close(directory)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            connection.close()
            self._see_to_guard()
            return False
        self.channel = Channel(connection)
        return True

    def greet(self, version: int, _runner: int, guard: int) -> None:
        """The runner has answered. RunnerUnavailable: it speaks another version."""
        if version != VERSION:
            raise RunnerUnavailable(
                "A runner of another version of Tidemill still works here; let its tasks end first."
            )
        if self._guard >= 0:
            os.close(self._guard)
            self._guard = -1
        try:
            self._guard = os.pidfd_open(guard)
        except ProcessLookupError:  # killed just now; its runner is about to leave
            return
        self.greeted = True

    def send(self, *message: object) -> None:
        """Send a message if there is a connection; what must not be forgotten is the caller's to repeat."""
        if self.channel is not None:
            self.channel.send(*message)

    def post(self, *message: object) -> None:
        """The same, with the next message that is sent, or at the next `exchange`."""
        if self.channel is not None:
            self.channel.post(*message)

    def exchange(self) -> list[Message]:
        """Send what waits, and take what came. The connection's end makes `channel` None."""
        if self.channel is None:
            return []
        self.channel.flush()
        messages = self.channel.receive()
        if self.channel.closed:
            self._drop()
        return messages

    def complaint(self) -> str:
        """The last words of the guard and the runner."""
        try:
            path = Path(self._settings.data_directory, layout.MESSAGES)
            return path.read_text(errors="replace")[-_COMPLAINT_LENGTH:]
        except OSError:
            return ""

    def close(self) -> None:
        """Leave; what waits to be sent gets a second for it."""
        if self.channel is not None:
            self.channel.connection.settimeout(1)
            self.channel.flush()
            self._drop()
        if self._guard >= 0:
            os.close(self._guard)
            self._guard = -1
        self._child_status()

    def _child_status(self) -> int | None:
        """The exit status of the guard that this process started, as from `os.waitpid`, if it has just ended."""
        if not self._child:
            return None
        child, status = os.waitpid(self._child, os.WNOHANG)
        if not child:
            return None
        self._child = 0
        return status

    def _drop(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.channel = None
        self.greeted = False

    def _see_to_guard(self) -> None:
        """Start a guard if none is there. RunnerUnavailable: the one that was started has given up."""
        if self.leaving:
            return
        status = self._child_status()
        if status is not None and os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RunnerUnavailable(f"The runner cannot be started. {self.complaint()}")
        now = time.monotonic()
        if self.guard_lives or now < self._may_start_at:
            return
        self._may_start_at = now + _BETWEEN_STARTS
        self._child = _start_guard(self._settings)


def _start_guard(settings: Settings) -> int:
    """The process id of a new guard. It gets nothing of this process: no environment, no descriptor, no terminal."""
    os.makedirs(f"{settings.data_directory}/{layout.RUNNER}", 0o700, exist_ok=True)
    package_root = str(Path(tidemill.__file__).parent.parent)
    program = [sys.executable, "-S", "-E", "-s", "-X", "utf8", "-c", _PROGRAM, package_root, *settings.arguments()]
    messages = f"{settings.data_directory}/{layout.MESSAGES}"
    return os.posix_spawn(
        sys.executable,
        program,
        {},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, messages, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
    )
