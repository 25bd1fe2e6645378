"""The runner: one loop over its server's connection, the deaths of its tasks, and their time limits.

It spawns what it is given, journals before and after, and goes on without a server: results wait in the journal until
one acknowledges them. Standard library only, one thread.
"""

import errno
import os
import selectors
import shutil
import signal
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from tidemill.runners.contract import Outcome, Result, Run
from tidemill.runners.local import wire
from tidemill.runners.local.journal import Journal, Key
from tidemill.runners.local.logfile import cut_middle, open_log
from tidemill.runners.local.options import Options
from tidemill.runners.local.processes import (
    MARK_DATA,
    MARK_RUN,
    all_processes,
    children_of,
    kill_marked,
    signal_group,
    spawn,
)
from tidemill.runners.tasks.command import Tools
from tidemill.runners.tasks.table import STARTERS

_TICK = 1.0  # seconds: how often logs of running tasks are looked at, and a full disk is tried again


def main(options: Options) -> None:
    """Serve until told to leave, or until idle for long enough with no server."""
    Loop(options).run()


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler there must be, or the wake-up descriptor stays silent."""


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Live:
    """A running task. `deadline` is monotonic seconds; `ending` is why it is being ended, "" if it is not."""

    key: Key
    pid: int
    started: int
    deadline: float
    log: str
    directory: str
    script: str
    ending: Outcome | str = ""
    killed: bool = False


class Loop:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._tools = Tools(options.python)
        self._journal = Journal(options.directory)
        self._live: dict[int, Live] = {}  # by process id
        self._by_key: dict[Key, Live] = {}
        self._waiting: list[Run] = []  # not accepted yet: the disk is full
        self._selector = selectors.DefaultSelector()
        self._listener = wire.listen(options.directory)
        self._selector.register(self._listener, selectors.EVENT_READ, self._connected)
        self._server: socket.socket | None = None
        self._lines: wire.Lines | None = None
        self._alone_since = time.monotonic()
        self._next_tick = 0.0
        self._leave_at: float | None = None
        self._watch_deaths()

    def _watch_deaths(self) -> None:
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ, lambda: os.read(reading, 4096))

    def run(self) -> None:
        while not self._finished():
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._bury()
            self._watch_time()

    def _finished(self) -> bool:
        if self._live:
            return False
        if self._leave_at is not None:
            return True
        return self._server is None and time.monotonic() - self._alone_since >= self._options.idle

    def _pause(self) -> float | None:
        """Seconds to sleep: to the nearest time limit, and no longer than a tick while anything runs."""
        now = time.monotonic()
        times = [live.deadline for live in self._live.values() if live.deadline]
        if self._live or self._waiting:
            times.append(self._next_tick)
        if self._leave_at is not None:
            times.append(self._leave_at)
        if self._server is None and not self._live:
            times.append(self._alone_since + self._options.idle)
        return max(0.0, min(times) - now) if times else None

    # --- the server ----------------------------------------------------------------------------------------------

    def _connected(self) -> None:
        connection, _ = self._listener.accept()
        while self._lines is not None and self._lines.waiting():
            self._heard()  # an earlier server's last words
        self._disconnected()
        connection.setblocking(False)
        self._server, self._lines = connection, wire.Lines(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._heard)
        self._send("accepted", sorted(self._journal.accepted | self._journal.ended.keys()))
        self._tell(list(self._journal.ended.values()))

    def _disconnected(self) -> None:
        if self._server is not None:
            self._selector.unregister(self._server)
            self._server.close()
            self._server = self._lines = None
        self._alone_since = time.monotonic()

    def _heard(self) -> None:
        if self._lines is None:
            return
        try:
            messages = self._lines.read()
        except EOFError:
            self._disconnected()
            return
        for kind, *rest in messages:
            if kind == "submit":
                self._submitted([Run(*fields) for fields in rest[0]])
            elif kind == "stop":
                self._stop((rest[0], rest[1]))
            elif kind == "ack":
                self._journal.acknowledge((instance, number) for instance, number in rest[0])
            elif kind == "leave":
                self._leave_at = time.monotonic() + rest[0]
                self._waiting = []

    def _send(self, *message: object) -> None:
        """Say something; a server that does not read it is as good as gone, and hears it when it comes back."""
        if self._server is None:
            return
        try:
            self._server.setblocking(True)
            self._server.settimeout(10.0)
            self._server.sendall(wire.encode(*message))
            self._server.setblocking(False)
        except OSError:
            self._disconnected()

    def _tell(self, results: Sequence[Result]) -> None:
        if results:
            self._send("results", [wire.result_fields(result) for result in results])

    def _ended(self, results: Sequence[Result]) -> None:
        if results:
            self._journal.end(results)
            self._tell(results)

    # --- starting ------------------------------------------------------------------------------------------------

    def _submitted(self, runs: Iterable[Run]) -> None:
        """Accept runs that are new; those known run already, or have ended and their results are on the way."""
        new = [run for run in runs if not self._known((run.instance, run.run_number))]
        self._accept([*self._waiting, *new] if self._leave_at is None else [])

    def _known(self, key: Key) -> bool:
        return key in self._journal.accepted or key in self._journal.ended or key in self._by_key

    def _accept(self, runs: list[Run]) -> None:
        self._waiting = []
        try:
            self._journal.accept((run.instance, run.run_number) for run in runs)
        except OSError:
            self._waiting = runs  # nothing was noted, so nothing may start: tried again at the next tick
            return
        refused = [result for result in map(self._start, runs) if result is not None]
        if runs:
            self._send("accepted", [[run.instance, run.run_number] for run in runs])
        self._ended(refused)

    def _start(self, run: Run) -> Result | None:
        """Spawn one run; a result if it cannot be."""
        key, started = (run.instance, run.run_number), _now()
        directory = f"{self._options.data}/work/{run.instance}-{run.run_number}"
        try:
            log = open_log(self._options.data, run.log)
        except OSError as error:
            return Result(*key, "refused", None, 0, _now(), 0, f"its log cannot be opened: {error.strerror}")
        try:
            starter = STARTERS.get(run.task_type)
            if starter is None:
                raise LookupError(
                    f"no executor for task type {run.task_type}; served are {', '.join(STARTERS)}, VIRTUAL"
                )
            command = starter(self._tools, run.arguments)
            os.makedirs(directory, 0o700, exist_ok=True)
            _write_script(f"{directory}/{command.script_name}", run.script)
            pid = spawn(command.program, command.arguments, self._environment(run, directory), directory, log)
        except (OSError, LookupError, ValueError) as error:
            message = error.strerror if isinstance(error, OSError) and error.errno == errno.ENOSPC else str(error)
            with suppress(OSError):
                os.write(log, f"{message}\n".encode())
            shutil.rmtree(directory, ignore_errors=True)
            return Result(*key, "refused", None, 0, _now(), 0, message or "it cannot be started")
        finally:
            os.close(log)
        deadline = time.monotonic() + run.timeout if run.timeout else 0.0
        log_path = f"{self._options.data}/{run.log}"
        live = Live(key, pid, started, deadline, log_path, directory, command.script_name)
        self._live[pid] = self._by_key[key] = live
        return None

    def _environment(self, run: Run, directory: str) -> dict[str, str]:
        """All that a task's environment holds: nothing of the server's."""
        return {
            "PATH": self._options.path,
            "HOME": directory,
            "LANG": "C.UTF-8",
            **run.environment,
            MARK_RUN: f"{run.instance}.{run.run_number}",
            MARK_DATA: self._options.data,
        }

    # --- ending --------------------------------------------------------------------------------------------------

    def _stop(self, key: Key) -> None:
        live = self._by_key.get(key)
        if live is not None:
            self._end(live, "stopped")
            return
        self._waiting = [run for run in self._waiting if (run.instance, run.run_number) != key]
        if key not in self._journal.ended:  # never begun: it is remembered as stopped, should it still be submitted
            self._ended([Result(*key, "stopped", None, 0, _now())])

    def _end(self, live: Live, why: Outcome) -> None:
        """SIGTERM now, SIGKILL when the grace has passed."""
        if live.ending:
            return
        live.ending = why
        live.deadline = time.monotonic() + self._options.grace
        signal_group(live.pid, signal.SIGTERM)

    def _watch_time(self) -> None:
        now = time.monotonic()
        for live in [live for live in self._live.values() if live.deadline and live.deadline <= now]:
            if not live.ending:
                self._end(live, "timed_out")
            elif not live.killed:
                live.killed, live.deadline = True, 0.0
                signal_group(live.pid, signal.SIGKILL)
        if self._leave_at is not None and now >= self._leave_at:
            for live in self._live.values():
                self._end(live, "interrupted")
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            for live in self._live.values():
                cut_middle(live.log, self._options.max_log)
            if self._waiting:
                self._accept(self._waiting)

    def _bury(self) -> None:
        """Take the dead. The zombie still holds its group's number while the rest of the group is killed."""
        results: list[Result] = []
        while self._live:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if found is None:
                break
            signal_group(found.si_pid, signal.SIGKILL)
            _, status = os.waitpid(found.si_pid, 0)
            live = self._live.pop(found.si_pid, None)
            if live is not None:
                del self._by_key[live.key]
                self._kill_strays(live)
                results.append(self._result(live, os.waitstatus_to_exitcode(status)))
        self._ended(results)

    def _kill_strays(self, live: Live) -> None:
        """Kill what left the group but still belongs to the run: orphans of it are the guard's children by now."""
        run = f"{live.key[0]}.{live.key[1]}"
        if live.ending:
            kill_marked(self._options.data, run, lambda: [*all_processes()])
        elif len(orphans := children_of(os.getppid())) > 1:
            kill_marked(self._options.data, run, lambda: orphans)

    def _result(self, live: Live, exit_code: int) -> Result:
        _remove(live.directory, live.script)
        cut_middle(live.log, self._options.max_log)
        outcome: Any = live.ending or "exited"
        message = f"ended by signal {-exit_code}" if exit_code < 0 and not live.ending else ""
        return Result(*live.key, outcome, exit_code, live.started, _now(), live.pid, message)


def _remove(directory: str, script: str) -> None:
    """Take away a working directory; most hold nothing but the script, and that is the quick way."""
    try:
        os.unlink(f"{directory}/{script}")
        os.rmdir(directory)
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)


def _write_script(path: str, text: str) -> None:
    """A file that only its owner reads: scripts may hold secrets."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        data = text.encode("utf-8", "surrogateescape")
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)
