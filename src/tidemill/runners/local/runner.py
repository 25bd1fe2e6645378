"""The runner: one event loop that starts programs, watches them end, and tells a server.

A turn of the loop reads what came, writes the journal once for all that is about to start, spawns, reaps, writes the
journal once for all that ended, and sends it in one message. Nothing in it blocks, and there are no threads.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
import time
import traceback

from tidemill.runners.local import layout, precedence, processes
from tidemill.runners.local.executions import Executions
from tidemill.runners.local.wire import VERSION, Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Message

_TICK = 1.0  # seconds between looks at the logs of running tasks
_FIRST_SERVER = 10.0  # seconds
_BACKLOG = 8


def main(settings: Settings, guard: int, guard_alive: int) -> NoReturn:
    """Run until finished. Exit status 0: finished; else the guard must clean up. `guard_alive` ends with the guard."""
    try:
        precedence.keep_from_tasks()
        Loop(settings, guard, guard_alive).run()
        os._exit(0)
    except BaseException:  # not only Exception: this process is a fork, and must not go on in the guard's code
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


class Loop:
    """The descriptors that the runner waits for, and what it does about them."""

    def __init__(self, settings: Settings, guard: int, guard_alive: int) -> None:
        self._settings = settings
        self._guard = guard
        self._guard_alive = guard_alive
        self._channel: Channel | None = None
        # When the last server went, or the last run without one ended; the first server gets some time to come.
        self._left_at = time.monotonic() + _FIRST_SERVER
        self._tick_at = math.inf
        self._renewed, self._renewed_at = 0, time.monotonic()
        self._poll = select.epoll()
        self._executions = Executions(settings, guard, self._poll)
        self._children = _wake_on_child()
        self._listener = _listen(settings.data_directory)
        for descriptor in (self._children, self._listener.fileno(), guard_alive):
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self) -> None:
        """Returns when there is nothing more to do."""
        while not self._finished():
            for descriptor, _ in self._poll.poll(self._patience()):
                self._handle(descriptor)
            self._executions.turn(time.monotonic())
            self._tick()
            self._deliver()
            self._executions.tidy()
        self._send_last()

    def _handle(self, descriptor: int) -> None:
        if descriptor == self._children:
            os.read(self._children, 4096)
            self._executions.reap()
        elif descriptor == self._listener.fileno():
            self._connect()
        elif descriptor == self._guard_alive:
            self._end_without_guard()
        elif self._channel is not None and descriptor == self._channel.connection.fileno():
            self._hear(self._channel)
            if self._channel.closed:
                self._disconnect()
        else:
            self._executions.hear_forks()

    def _hear(self, channel: Channel) -> None:
        channel.flush()
        for message in channel.receive():
            try:
                self._obey(message)
            except (IndexError, TypeError, ValueError):  # a faulty server must not take the tasks with it
                traceback.print_exc()

    def _connect(self) -> None:
        """A server came; one that was here before is dead, for it held the data directory's lock."""
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        while self._channel is not None and not self._channel.closed and self._channel.readable:
            self._hear(self._channel)  # the last words of the one before
        self._disconnect()
        self._channel = Channel(connection)
        self._poll.register(connection.fileno(), select.EPOLLIN)
        self._channel.send("hello", VERSION, os.getpid(), self._guard)
        self._executions.deliver_again()

    def _disconnect(self) -> None:
        if self._channel is not None:
            self._poll.unregister(self._channel.connection.fileno())
            self._channel.close()
            self._channel = None
            self._left_at = time.monotonic()

    def _obey(self, message: Message) -> None:
        kind = message[0]
        if kind == "submit":
            self._executions.submit(message[1])
        elif kind == "stop":
            self._executions.stop((message[1], message[2]))
        elif kind == "acknowledge":
            self._executions.acknowledge([(instance, number) for instance, number in message[1]])
        elif kind == "shutdown":
            self._executions.leave(time.monotonic() + message[1], message[2], message[3])

    def _deliver(self) -> None:
        """Send what has ended; without a server it stays in the journal."""
        results = self._executions.take_results()
        if self._channel is None:
            return
        if results:
            self._channel.send("results", results)
        waits = select.EPOLLOUT if self._channel.pending else 0
        self._poll.modify(self._channel.connection.fileno(), select.EPOLLIN | waits)
        if self._channel.closed:
            self._disconnect()

    def _tick(self) -> None:
        now = time.monotonic()
        if not self._executions.active:
            self._tick_at = math.inf
            self._executions.take_accepted()  # their results have said it
            return
        self._left_at = now
        if self._tick_at == math.inf:
            self._tick_at = now + _TICK
        elif now >= self._tick_at:
            self._tick_at = now + _TICK
            self._executions.cap_logs()
            self._executions.see_to_forks(now)
            self._confirm()
            self._see_to_lease(now)

    def _confirm(self) -> None:
        """Say which runs were accepted, so that the server can forget their scripts. Short ones end before that."""
        accepted = self._executions.take_accepted()
        if accepted and self._channel is not None:
            self._channel.send("accepted", accepted)

    def _see_to_lease(self, now: float) -> None:
        """End all tasks when no server has renewed them: they may be about to run somewhere else (engine 24)."""
        if not self._settings.lease:
            return
        try:
            renewed = os.stat(f"{self._settings.data_directory}/{layout.RENEWED}").st_mtime_ns
        except OSError:
            renewed = 0
        if renewed != self._renewed:  # by its change, because the clock that it shows may jump
            self._renewed, self._renewed_at = renewed, now
        elif now - self._renewed_at > self._settings.lease:
            self._executions.end_now(f"no server renewed the runner for {self._settings.lease:g} s")

    def _patience(self) -> float:
        """Seconds to sleep if nothing comes."""
        at = min(self._executions.next_look, self._tick_at)
        if self._channel is None and not self._executions.active:
            at = min(at, self._left_at + self._settings.idle_exit)
        return -1 if at == math.inf else max(0.0, at - time.monotonic())

    def _finished(self) -> bool:
        if self._executions.active:
            return False
        idle = self._channel is None and time.monotonic() >= self._left_at + self._settings.idle_exit
        return idle or self._executions.leaving

    def _send_last(self) -> None:
        """Give a slow server a moment to take what waits; what it does not take is in the journal."""
        if self._channel is not None:
            self._channel.connection.settimeout(1)
            self._channel.flush()

    def _end_without_guard(self) -> NoReturn:
        """Nobody would clean up behind us now: end the tasks, and leave them to the next start as lost."""
        processes.end_tasks(self._settings.data_directory, self._executions.sessions())
        os._exit(1)


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reading


def _listen(data_directory: str) -> socket.socket:
    directory = os.open(data_directory, os.O_PATH | os.O_DIRECTORY)
    try:
        try:
            os.unlink(layout.SOCKET, dir_fd=directory)
        except FileNotFoundError:
            pass
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(layout.socket_address(directory))
        os.chmod(layout.SOCKET, 0o600, dir_fd=directory)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        return listener
    finally:
        os.close(directory)
