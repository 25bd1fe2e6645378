"""The server's side: find or start the runner of a data directory, and keep in touch with it."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill.runners.contract import SERVER_STOPPED, PythonStart, Result, Run
from tidemill.runners.local import layout
from tidemill.runners.local.connection import Connection, RunnerUnavailable, Wake
from tidemill.runners.local.settings import MEBIBYTE, PATH, Settings
from tidemill.runners.logs import last_line

if TYPE_CHECKING:
    from tidemill.runners.local.wire import Key, Message

__all__ = ["LocalRunner", "RunnerUnavailable"]

_START_PATIENCE = 30.0  # seconds until a runner must have answered
_SHUT_DOWN_AS = ("lost", SERVER_STOPPED)
_RETRY = 0.01  # seconds between attempts to reach a runner that is being started


class LocalRunner:
    """`contract.Runner` by child processes of this machine. The settings hold for a runner that this call starts.

    `stop_grace`, `idle_exit` and `lease` in seconds, `log_cap` and `task_memory` in bytes; see `settings.Settings`.
    `python_tasks` holds for the runs of this client that do not say it themselves.
    """

    def __init__(
        self,
        data_directory: Path | str,
        *,
        name: str = "local",
        stop_grace: float = 10.0,
        idle_exit: float = 60.0,
        log_cap: int = 100 * MEBIBYTE,
        python: str = sys.executable,
        path: str = PATH,
        task_user: str = "",
        lease: float = 0.0,
        task_processes: int = 0,
        task_memory: int = 0,
        python_tasks: PythonStart = "fresh",
        python_imports: str = "",
    ) -> None:
        self.name = name
        self._python_tasks: PythonStart = python_tasks
        self._settings = Settings(
            str(data_directory),
            stop_grace,
            idle_exit,
            log_cap,
            python,
            path,
            task_user,
            lease,
            task_processes,
            task_memory,
            python_imports,
        )
        self._connection = Connection(self._settings)
        self._wake = Wake()
        self._arrived: list[Result] = []
        self._unconfirmed: dict[Key, Run] = {}  # sent, and neither accepted nor ended
        self._accepted: set[Key] = set()  # and not ended
        self._stopping: set[Key] = set()  # asked to stop, and not ended
        self._woken = False
        self._closed = False

    def start(self) -> None:
        """Find the runner that an earlier server left, or start one. RunnerUnavailable: none answers in 30 s."""
        deadline = time.monotonic() + _START_PATIENCE
        while not self._connection.greeted:
            if time.monotonic() > deadline:
                raise RunnerUnavailable(f"The runner does not answer. {self._connection.complaint()}")
            self._turn(_RETRY)

    def submit(self, runs: Sequence[Run]) -> None:
        """See the contract. What cannot be sent now is sent by `wait`."""
        if not runs:
            return
        self._unconfirmed.update({(run.instance, run.run_number): run for run in runs})
        self._connection.send("submit", [_row(run, self._python_tasks) for run in runs])

    def stop(self, instance: int, run_number: int) -> None:
        """See the contract. A run that the runner does not know is answered as stopped, and will not be started."""
        self._stopping.add((instance, run_number))
        self._connection.send("stop", instance, run_number)

    def alive(self) -> set[Key]:
        """See the contract."""
        return set(self._accepted)

    def acknowledge(self, results: Sequence[Result]) -> None:
        """See the contract."""
        keys = [(result.instance, result.run_number) for result in results]
        for key in keys:  # submitted or stopped when its result was here already, it must not be sent once more
            self._forget(key)
        if keys:
            self._connection.post("acknowledge", keys)  # what is submitted next goes with it, and wakes the runner once

    def wait(self, timeout: float | None) -> list[Result]:
        """See the contract. Reaches for the runner again if it was lost. RunnerUnavailable: it cannot be started."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not (self._arrived or self._woken):
            left = None if deadline is None else deadline - time.monotonic()
            self._turn(left if left is None else max(0.0, left))
            if left is not None and left <= 0:
                break
        self._woken = False
        arrived, self._arrived = self._arrived, []
        return arrived

    def output(self, log: str) -> str:
        """See the contract."""
        return last_line(f"{self._settings.data_directory}/{log}")

    @property
    def running(self) -> int:
        """How many runs have not ended."""
        return len(self._accepted | self._unconfirmed.keys())

    def renew(self) -> None:
        """Let the runner's tasks live for another `lease`; any thread may call it."""
        with suppress(FileNotFoundError):  # nothing has been started here yet
            Path(self._settings.data_directory, layout.RENEWED).touch()

    def wake(self) -> None:
        """See the contract."""
        self._wake.set()

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        """See the contract. What this returns was not acknowledged, and so is delivered again after the next start."""
        if self._closed:
            return []
        self._closed = True
        if stop_runs:
            self._shut_down(grace)
        self._connection.close()
        self._wake.close()
        arrived, self._arrived = self._arrived, []
        return arrived

    def _shut_down(self, grace: float) -> None:
        self._connection.leaving = True
        until = time.monotonic() + grace
        deadline = until + self._settings.stop_grace + 10
        asked: object = None
        while self._connection.guard_lives and time.monotonic() < deadline:
            if self._connection.greeted and asked is not self._connection.channel:
                asked = self._connection.channel  # again if the runner died meanwhile: the guard starts another
                self._connection.send("shutdown", max(0.0, until - time.monotonic()), *_SHUT_DOWN_AS)
            self._turn(_RETRY)

    def _turn(self, timeout: float | None) -> None:
        """Wait once for something to come, and take it."""
        connection = self._connection
        if connection.channel is None and connection.open():
            self._introduce()
        poll = select.poll()
        poll.register(self._wake.descriptor, select.POLLIN)
        if connection.channel is None:
            timeout = _RETRY if timeout is None else min(timeout, _RETRY)
        else:
            waits = select.POLLOUT if connection.channel.pending else 0
            poll.register(connection.channel.connection.fileno(), select.POLLIN | waits)
        for descriptor, _ in poll.poll(None if timeout is None else timeout * 1000):
            if descriptor == self._wake.descriptor:
                self._wake.clear()
                self._woken = True
            else:
                for message in connection.exchange():
                    self._take(message)

    def _introduce(self) -> None:
        """Tell a new runner, or an old one after a break, what it may not have heard."""
        self._accepted.clear()  # it says anew what it has
        if self._unconfirmed:
            self._connection.send("submit", [_row(run, self._python_tasks) for run in self._unconfirmed.values()])
        for key in self._stopping:
            self._connection.send("stop", *key)

    def _take(self, message: Message) -> None:
        kind = message[0]
        if kind == "hello":
            self._connection.greet(*message[1:])
        elif kind == "accepted":
            for instance, run_number in message[1]:
                self._unconfirmed.pop((instance, run_number), None)
                self._accepted.add((instance, run_number))
        elif kind == "results":
            for row in message[1]:
                result = Result(*row)
                self._forget((result.instance, result.run_number))
                self._arrived.append(result)

    def _forget(self, key: Key) -> None:
        self._unconfirmed.pop(key, None)
        self._accepted.discard(key)
        self._stopping.discard(key)


def _row(run: Run, python_tasks: PythonStart) -> list[object]:
    """A run in the order of the wire, which is that of `contract.Run`."""
    return [
        run.instance,
        run.run_number,
        run.task_type,
        run.script,
        run.log,
        run.timeout,
        run.arguments,
        dict(run.environment),
        run.python or python_tasks,
    ]
