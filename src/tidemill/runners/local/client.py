"""The server's side: finds the runner of a data directory or starts one, and talks to it (`contract.Runner`)."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from pwd import getpwnam

from tidemill.runners.contract import Result, Run
from tidemill.runners.local import wire
from tidemill.runners.local.journal import Key
from tidemill.runners.local.options import Options

_START = 15.0  # seconds: for a runner to appear
_TRY = 0.005
_KILL = 5.0  # seconds more than grace and stop: for a runner to leave
_PACKAGES = str(Path(__file__).resolve().parents[3])
_GUARD = "import sys; sys.path.insert(0, sys.argv.pop()); from tidemill.runners.local import guard; guard.main()"


class RunnerUnavailable(OSError):
    """No runner could be reached or started; the guard's output is in the data directory."""


class LocalRunner:
    """One runner on this machine. All methods but `wake` belong to one thread."""

    name = "local"

    def __init__(
        self,
        data: Path,
        *,
        grace: float = 10.0,
        idle: float = 60.0,
        max_log: int = 100 * 2**20,
        task_user: str = "",
        python: str = "",
    ) -> None:
        self._options = Options(
            data=str(data.resolve()),
            python=python or sys.executable,
            path=os.environ.get("PATH", os.defpath),
            user=task_user,
            grace=grace,
            idle=idle,
            max_log=max_log,
        )
        self._connection: socket.socket | None = None
        self._lines: wire.Lines | None = None
        self._unconfirmed: dict[Key, Run] = {}
        self._stopping: set[Key] = set()
        self._guard: subprocess.Popen[bytes] | None = None  # the one started here, to reap it when it ends
        self._waking, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def start(self) -> None:
        """Connect; what ended while nobody listened arrives with the next `wait`. Raises RunnerUnavailable."""
        for name in ("runner", "logs", "work"):
            self._own_directory(name)
        self._connect()

    def _own_directory(self, name: str) -> None:
        path = Path(self._options.data, name)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._options.user and os.geteuid() == 0:
            user = getpwnam(self._options.user)
            os.chown(path, user.pw_uid, user.pw_gid)

    def _connect(self) -> None:
        end = time.monotonic() + _START
        while True:
            try:
                self._connection = wire.connect(self._options.directory)
                break
            except OSError as error:
                if self._guard is None or self._guard.poll() is not None:
                    self._guard = self._start_guard()
                if time.monotonic() > end:
                    raise RunnerUnavailable(f"no runner in {self._options.directory}: see guard.log there") from error
                time.sleep(_TRY)
        self._lines = wire.Lines(self._connection)
        if self._unconfirmed:
            self._send("submit", [wire.run_fields(run) for run in self._unconfirmed.values()])
        for key in self._stopping:
            self._send("stop", *key)

    def _start_guard(self) -> "subprocess.Popen[bytes]":
        log = os.open(f"{self._options.directory}/guard.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                [sys.executable, "-S", "-E", "-s", "-c", _GUARD, self._options.to_text(), _PACKAGES],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": self._options.path, "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        finally:
            os.close(log)

    def submit(self, runs: Sequence[Run]) -> None:
        """Hand over runs; until the runner confirms them they are handed over again after each reconnection."""
        self._unconfirmed |= {(run.instance, run.run_number): run for run in runs}
        self._send("submit", [wire.run_fields(run) for run in runs])

    def stop(self, instance: int, run_number: int) -> None:
        self._stopping.add((instance, run_number))
        self._send("stop", instance, run_number)

    def acknowledge(self, results: Sequence[Result]) -> None:
        self._stopping -= {(result.instance, result.run_number) for result in results}
        self._send("ack", [[result.instance, result.run_number] for result in results])

    def _send(self, *message: object) -> None:
        """What cannot be sent now is said again after the reconnection, or asked for again by the runner."""
        if self._connection is not None:
            try:
                self._connection.sendall(wire.encode(*message))
            except OSError:
                self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._lines = None

    def wait(self, timeout: float | None) -> list[Result]:
        """Results as they arrive; a runner that died is found again, or started anew."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._connection is None:
                self._connect()
            assert self._connection is not None
            left = None if end is None else max(0.0, end - time.monotonic())
            ready, _, _ = select.select([self._connection, self._waking], [], [], left)
            woken = self._waking in ready
            if woken:
                os.read(self._waking, 4096)
            results = self._read() if self._connection in ready else []
            if results or woken or not ready:  # what else arrived, a confirmation, concerns only this object
                return results

    def _read(self) -> list[Result]:
        results: list[Result] = []
        try:
            for kind, *rest in self._lines.read() if self._lines else ():
                if kind == "accepted":
                    for instance, number in rest[0]:
                        self._unconfirmed.pop((instance, number), None)
                elif kind == "results":
                    results += [Result(*fields) for fields in rest[0]]
        except EOFError:
            self._disconnect()
        return results

    def wake(self) -> None:
        try:
            os.write(self._wake, b"\0")
        except BlockingIOError:
            pass  # it is full of wake-ups already

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        """Leave, with the runner if `stop_runs`: see the contract. The runner's own end is waited for."""
        results: list[Result] = []
        if stop_runs and self._connection is not None:
            self._send("leave", grace)
            end = time.monotonic() + grace + self._options.grace + _KILL
            results = self._last_results(end)
        self._disconnect()
        if self._guard is not None:
            self._guard.returncode = 0  # should it live on, nobody here waits for it
        os.close(self._waking)
        os.close(self._wake)
        return results

    def _last_results(self, end: float) -> list[Result]:
        """What arrives until the runner closes the connection, or until `end` (monotonic seconds)."""
        results: list[Result] = []
        while (connection := self._connection) is not None and (left := end - time.monotonic()) > 0:
            if select.select([connection], [], [], left)[0]:
                results += self._read()
        if self._guard is not None and self._connection is None:
            self._guard.wait(_KILL)
        return results
