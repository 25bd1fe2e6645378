"""The runs of a runner, from submission to acknowledgement."""

from __future__ import annotations

import math
import os
import signal
import time
from itertools import islice

from tidemill.runners.local import layout, processes
from tidemill.runners.local.capped_log import CappedLog
from tidemill.runners.local.directories import Directories
from tidemill.runners.local.fullness import is_full
from tidemill.runners.local.journal import Journal, now, ticks
from tidemill.runners.local.limits import Limits
from tidemill.runners.local.precedence import Victims
from tidemill.runners.local.spawn import NoRoom, Refused, Submitted, script_name, spawn, working_directory
from tidemill.runners.local.strays import Orphans, Remains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Key, ResultRow

_SPAWNS = 8  # in one turn, so that the ends of short tasks are not held up by a large batch
_TIDY_LATER = 0.005  # seconds
_ROOM_AGAIN = 1.0  # seconds until a full disk is tried again
_LOOK_AGAIN = 0.002  # seconds between looks at what is being killed


class Live:
    """A run whose main process was started. `outcome` is what its end will be called, `due` when it is acted on."""

    __slots__ = (
        "due",
        "exit_code",
        "key",
        "log",
        "message",
        "outcome",
        "process_id",
        "started",
        "task_type",
        "ticks",
    )

    def __init__(self, run: Submitted, process_id: int, started: int, log: CappedLog) -> None:
        self.key: Key = (run.instance, run.run_number)
        self.task_type = run.task_type
        self.process_id = process_id
        self.started = started
        self.ticks = ticks()
        self.log = log
        self.outcome = "exited"
        self.message = ""
        self.exit_code = 0
        self.due = time.monotonic() + run.timeout if run.timeout else math.inf


def _key(run: Submitted) -> Key:
    return run.instance, run.run_number


class Executions:
    """What was submitted, what runs, and what has ended. `turn` does what is due."""

    def __init__(self, settings: Settings, guard: int) -> None:
        data = settings.data_directory
        self._settings = settings
        self._orphans = Orphans(guard)
        self._journal = Journal(f"{data}/{layout.JOURNAL}")
        self._directories = Directories(data)
        self._limits = Limits(settings, guard)
        self._victims = Victims()
        self._waiting: dict[Key, Submitted] = {}
        self._live: dict[int, Live] = {}  # by process id
        self._ending: list[tuple[Live, Remains]] = []  # their main process has ended, not yet all that it left
        self._over_now: list[Live] = []  # whose directories are still there
        self._known: dict[Key, Live] = {}  # those of `_live` and `_ending`
        self._accepted: list[Key] = []
        self._results: list[ResultRow] = []
        self._next_due = math.inf
        self._tidy_at = math.inf
        self._room_at = -math.inf  # when to start runs again after the disk was full
        self.leaving = False
        self._leave_at, self._leave_as = math.inf, ("", "")

    @property
    def active(self) -> bool:
        """Whether a run waits, lives or ends, or its end could not be written yet."""
        return bool(self._known or self._waiting or (self._journal.behind and not self.leaving))

    @property
    def next_look(self) -> float:
        """When `turn` is wanted next, by the monotonic clock; infinity: not before something comes."""
        if self._directories.busy:
            return 0.0
        soon = self._room_at if self._waiting else math.inf
        if self._ending:
            soon = min(soon, time.monotonic() + _LOOK_AGAIN)
        if self._journal.behind:
            soon = min(soon, time.monotonic() + _ROOM_AGAIN)
        look = self._limits.at if self._known else math.inf
        return min(soon, look, self._next_due, self._tidy_at)

    def sessions(self) -> dict[int, int]:
        """The main processes that live, and when they were started in `ticks`."""
        return {run.process_id: run.ticks for run in self._live.values()}

    # What a server asks

    def submit(self, rows: list[list[object]]) -> None:
        """Queue the runs that are not known yet."""
        for row in rows:
            run = Submitted(*row)  # pyright: ignore[reportArgumentType]
            key = _key(run)
            if not (self.leaving or key in self._known or key in self._journal.results):
                self._waiting.setdefault(key, run)

    def stop(self, key: Key) -> None:
        """End a run as `stopped`; one that is unknown is remembered as stopped, one that has ended is left as it is."""
        run = self._known.get(key)
        if run is not None:
            self._terminate(run, "stopped", "")
        elif key not in self._journal.results:
            self._waiting.pop(key, None)
            self._end_unstarted(key, "stopped", "stopped before it began")

    def acknowledge(self, keys: list[Key]) -> None:
        """These results are kept no longer."""
        self._journal.acknowledged(keys)

    def leave(self, at: float, outcome: str, message: str) -> None:
        """Start nothing more; what still runs at the monotonic time `at` is ended with this outcome and message."""
        self.leaving = True
        self._leave_at, self._leave_as = at, (outcome, message)
        for key in self._waiting:
            self._end_unstarted(key, outcome, message)
        self._waiting.clear()
        for run in self._live.values():
            if run.outcome == "exited":
                run.due = min(run.due, at)
                self._next_due = min(self._next_due, run.due)

    def deliver_again(self) -> None:
        """A new server: all results that were never acknowledged, and all accepted runs, are news to it."""
        self._results = list(self._journal.results.values())
        self._accepted = list(self._known)

    # What the loop asks

    def turn(self, moment: float) -> None:
        """Start, end and clean up what is due at `moment` of the monotonic clock; then write the journal."""
        self._start_some()
        if self._known and moment >= self._limits.at:
            self._hold_to_limits(moment)
        if moment >= self._next_due:
            self._escalate(moment)
        if self._ending:
            self._clean_up()
        self._journal.flush()

    def take_results(self) -> list[ResultRow]:
        """Results that were not handed out since the last server came."""
        results, self._results = self._results, []
        return results

    def end_now(self, message: str) -> None:
        """Kill everything at once, without grace: what is not over by now counts as lost and runs elsewhere."""
        for key in self._waiting:
            self._end_unstarted(key, "lost", message)
        self._waiting.clear()
        for run in self._live.values():
            run.outcome, run.message, run.due = "lost", message, math.inf
            processes.signal_group(run.process_id, signal.SIGKILL)

    def tidy(self, moment: float) -> None:
        """Remove the directories of runs that are over, when nothing is more urgent.

        That is while a task runs, or when a little time has passed: just after a result the next run of a chain is
        about to come, and would have to wait.
        """
        if self._live or moment >= self._tidy_at:
            for run in self._over_now:
                if run.key not in self._known:  # acknowledged and submitted once more, it has the directory again
                    directory = working_directory(self._settings.data_directory, *run.key)
                    self._directories.give_back(directory, script_name(run.task_type))
            self._over_now.clear()
            self._tidy_at = math.inf
        if self._directories.busy:
            self._directories.go_on()

    def take_accepted(self) -> list[Key]:
        """Runs that were accepted and not handed out since the last server came."""
        accepted, self._accepted = self._accepted, []
        return accepted

    def cap_logs(self) -> None:
        """Look at the size of all growing logs."""
        for run in self._live.values():
            run.log.keep_below_cap()

    def reap(self) -> None:
        """Take note of main processes that ended.

        Each group is killed while its dead leader still holds the number, so that no other group can have it.
        """
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            processes.signal_group(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            run = self._live.pop(pid, None)
            if run is not None:
                run.exit_code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
                self._ending.append((run, Remains(pid, *run.key)))

    # Starting

    def _start_some(self) -> None:
        """Start a few of those that wait; while the disk is full, none but one a second, to see whether it still is."""
        if not self._waiting or time.monotonic() < self._room_at:
            return
        most = _SPAWNS if self._room_at == -math.inf else 1
        batch = [self._waiting.pop(key) for key in list(islice(self._waiting, most))]
        try:
            self._journal.accept([_key(run) for run in batch])
        except OSError as error:
            if is_full(error):
                self._wait_for_room(batch)
                return
            for run in batch:
                self._end_unstarted(_key(run), "refused", f"The runner's journal cannot be written: {error}")
            return
        if not self._known:
            self._limits.begin(time.monotonic())
        with self._victims:
            self._start_all(batch)

    def _start_all(self, batch: list[Submitted]) -> None:
        for number, run in enumerate(batch):
            try:
                self._start(run)
            except NoRoom:
                self._journal.withdrawn([_key(one) for one in batch[number:]])
                self._wait_for_room(batch[number:])
                return
        self._room_at = -math.inf

    def _wait_for_room(self, batch: list[Submitted]) -> None:
        """They were started nowhere, and come before the others when there is room."""
        self._waiting = {_key(run): run for run in batch} | self._waiting
        self._room_at = time.monotonic() + _ROOM_AGAIN

    def _start(self, run: Submitted) -> None:
        started = now()
        try:
            process_id = spawn(run, self._settings, self._directories)
        except Refused as refusal:
            self._end_unstarted(_key(run), "refused", str(refusal))
            return
        log = CappedLog(f"{self._settings.data_directory}/{run.log}", self._settings.log_cap)
        live = Live(run, process_id, started, log)
        self._journal.started(live.key, process_id, live.started, live.ticks)
        self._live[process_id] = self._known[live.key] = live
        self._accepted.append(live.key)
        self._next_due = min(self._next_due, live.due)

    def _end_unstarted(self, key: Key, outcome: str, message: str) -> None:
        self._finish((*key, outcome, None, 0, now(), 0, message))

    # Ending

    def _hold_to_limits(self, moment: float) -> None:
        """Look at what runs use. Those that are over a limit are being ended from now on, without grace."""
        over, logs_grow = self._limits.look(moment, {run.process_id: key for key, run in self._known.items()})
        for key, message in over.items():
            run = self._known.get(key)
            if run is not None and run.outcome == "exited":
                run.outcome, run.message, run.due = "limited", message, math.inf
        if logs_grow:
            self.cap_logs()

    def _escalate(self, moment: float) -> None:
        """SIGTERM for those whose time is over, SIGKILL for those that did not heed it."""
        for run in list(self._live.values()):
            if run.due > moment:
                continue
            if run.outcome != "exited":
                run.due = math.inf
                processes.signal_group(run.process_id, signal.SIGKILL)
            elif moment >= self._leave_at:
                self._terminate(run, *self._leave_as)
            else:
                self._terminate(run, "timed_out", "")
        self._next_due = min((run.due for run in self._live.values()), default=math.inf)

    def _terminate(self, run: Live, outcome: str, message: str) -> None:
        """Ask a run to end; the first reason is the one that its result gives."""
        if run.outcome != "exited" or run.process_id not in self._live:
            return
        run.outcome, run.message = outcome, message
        run.due = time.monotonic() + self._settings.stop_grace
        self._next_due = min(self._next_due, run.due)
        processes.signal_group(run.process_id, signal.SIGTERM)
        processes.signal_group(run.process_id, signal.SIGCONT)  # a suspended program heeds nothing

    def _clean_up(self) -> None:
        """End what ended runs left behind; those that left nothing more are over."""
        self._orphans.look(self._live)
        waiting = self._ending
        self._ending = []
        for run, remains in waiting:
            if self._orphans.end(remains):
                self._over(run)
            else:
                self._ending.append((run, remains))

    def _over(self, run: Live) -> None:
        del self._known[run.key]
        if run.outcome == "limited":
            run.log.add(run.message)
        run.log.keep_below_cap()
        self._over_now.append(run)
        self._tidy_at = time.monotonic() + _TIDY_LATER
        if not self._known:
            self._limits.end()
        self._finish((*run.key, run.outcome, run.exit_code, run.started, now(), run.process_id, run.message))

    def _finish(self, row: ResultRow) -> None:
        self._journal.ended(row)
        self._results.append(row)
