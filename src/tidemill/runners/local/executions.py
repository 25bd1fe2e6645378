"""The runs of a runner, from submission to acknowledgement."""

from __future__ import annotations

import math
import os
import signal
import time
from itertools import islice
from select import EPOLLIN

from tidemill.runners.local import layout, processes
from tidemill.runners.local.capped_log import CappedLog
from tidemill.runners.local.directories import Directories
from tidemill.runners.local.fullness import is_full
from tidemill.runners.local.journal import Journal, now, ticks
from tidemill.runners.local.limits import Limits
from tidemill.runners.local.live import Live
from tidemill.runners.local.precedence import Victims
from tidemill.runners.local.spawn import (
    NoRoom,
    Refused,
    Submitted,
    give_back,
    prepare_fork,
    refuse,
    spawn,
)
from tidemill.runners.local.strays import Orphans, Remains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from select import epoll

    from tidemill.runners.local.forks import Forks
    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Key, Message, ResultRow

_SPAWNS = 8  # in one turn, so that the ends of short tasks are not held up by a large batch
_UNTIDY = 64  # runs whose directories may be left while others wait to be started
_ROOM_AGAIN = 1.0  # seconds until a full disk is tried again
_LOOK_AGAIN = 0.002  # seconds between looks at what is being killed


class Executions:
    """What was submitted, what runs, and what has ended. `turn` does what is due."""

    def __init__(self, settings: Settings, guard: int, poll: epoll) -> None:
        data = settings.data_directory
        self._settings = settings
        self._poll = poll
        self._orphans = Orphans(guard)
        self._journal = Journal(f"{data}/{layout.JOURNAL}")
        self._directories = Directories(data)
        self._limits = Limits(settings, guard)
        self._victims = Victims()
        self._waiting: dict[Key, Submitted] = {}
        self._forks: Forks | None = None  # from the first run that is to be forked
        self._held: dict[Key, Submitted] = {}  # until the fork server is ready
        self._asked: dict[Key, Live] = {}  # whose fork is on the way
        self._live: dict[int, Live] = {}  # by process id
        self._ending: list[tuple[Live, Remains]] = []  # their main process has ended, not yet all that it left
        self._over_now: list[Live] = []  # whose directories are still there
        self._known: dict[Key, Live] = {}  # those of `_live`, `_asked` and `_ending`
        self._accepted: list[Key] = []
        self._results: list[ResultRow] = []
        self._next_due = math.inf
        self._room_at = -math.inf  # when to start runs again after the disk was full
        self.leaving = False
        self._leave_at, self._leave_as = math.inf, ("", "")

    @property
    def active(self) -> bool:
        """Whether a run waits, lives or ends, or its end could not be written yet."""
        waits = self._known or self._waiting or self._held
        return bool(waits or (self._journal.behind and not self.leaving))

    @property
    def next_look(self) -> float:
        """When `turn` is wanted next, by the monotonic clock; infinity: not before something comes."""
        if self._directories.busy:
            return 0.0
        soon = self._room_at if self._waiting else math.inf
        if self._ending or (self._forks is not None and self._forks.channel.pending):
            soon = min(soon, time.monotonic() + _LOOK_AGAIN)
        if self._journal.behind:
            soon = min(soon, time.monotonic() + _ROOM_AGAIN)
        look = self._limits.at if self._known else math.inf
        return min(soon, look, self._next_due)

    def sessions(self) -> dict[int, int]:
        """The main processes that live, and when they were started in `ticks`."""
        return {run.process_id: run.ticks for run in self._live.values()}

    # What a server asks

    def submit(self, rows: list[list[object]]) -> None:
        """Queue the runs that are not known yet."""
        for row in rows:
            run = Submitted(*row)  # pyright: ignore[reportArgumentType]
            key = run.key
            if not (self.leaving or key in self._known or key in self._held or key in self._journal.results):
                self._waiting.setdefault(key, run)

    def stop(self, key: Key) -> None:
        """End a run as `stopped`; one that is unknown is remembered as stopped, one that has ended is left as it is."""
        run = self._known.get(key)
        if run is not None:
            self._terminate(run, "stopped", "")
        elif key not in self._journal.results:
            self._waiting.pop(key, None)
            self._held.pop(key, None)
            self._end_unstarted(key, "stopped", "stopped before it began")

    def acknowledge(self, keys: list[Key]) -> None:
        """These results are kept no longer."""
        self._journal.acknowledged(keys)

    def leave(self, at: float, outcome: str, message: str) -> None:
        """Start nothing more; what still runs at the monotonic time `at` is ended with this outcome and message."""
        self.leaving = True
        self._leave_at, self._leave_as = at, (outcome, message)
        self._end_waiting(outcome, message)
        for run in (*self._live.values(), *self._asked.values()):
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
        if self._forks is not None:
            self._forks.channel.flush()
        self._journal.flush()

    def take_results(self) -> list[ResultRow]:
        """Results that were not handed out since the last server came."""
        results, self._results = self._results, []
        return results

    def end_now(self, message: str) -> None:
        """Kill everything at once, without grace: what is not over by now counts as lost and runs elsewhere."""
        self._end_waiting("lost", message)
        if self._forks is not None:
            self._forks.kill()  # and with it what it is about to fork
        for run in self._live.values():
            run.outcome, run.message, run.due = "lost", message, math.inf
            processes.signal_group(run.process_id, signal.SIGKILL)

    def tidy(self) -> None:
        """Take back the directories of runs that are over, and make a log for one to come, when nothing is more urgent.

        The best moment is just after a result was sent, while the server thinks. One just started would have to wait:
        its program begins on our processor, where we have precedence.
        """
        full = self._room_at != -math.inf  # what waits then may wait for this very room
        if self._over_now and (full or not self._waiting or len(self._over_now) > _UNTIDY):
            for run in self._over_now:
                if run.key not in self._known:  # acknowledged and submitted once more, it has the directory again
                    give_back(run.key, run.task_type, self._settings, self._directories)
            self._over_now.clear()
            if not full:
                self._directories.logs.make_ahead()
        if self._directories.busy:
            self._directories.go_on()

    def take_accepted(self) -> list[Key]:
        """Runs that were accepted, live, and were not handed out since the last server came."""
        accepted, self._accepted = self._accepted, []
        return [key for key in accepted if key in self._known]

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
            if self._forks is not None and pid == self._forks.pid:
                self._lose_forks(self._forks)
            else:
                self._main_ended(pid, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _main_ended(self, pid: int, exit_code: int) -> None:
        run = self._live.pop(pid, None)
        if run is not None:
            run.exit_code = exit_code
            self._ending.append((run, Remains(pid, *run.key)))

    # Starting

    def _start_some(self) -> None:
        """Start a few of those that wait; while the disk is full, none but one a second, to see whether it still is."""
        if not self._waiting or time.monotonic() < self._room_at:
            return
        most = _SPAWNS if self._room_at == -math.inf else 1
        some = [self._waiting.pop(key) for key in list(islice(self._waiting, most))]
        batch = [run for run in some if not (run.forked and self._must_wait(run))]
        if not batch:
            return
        try:
            self._journal.accept([run.key for run in batch])
        except OSError as error:
            if is_full(error):
                self._wait_for_room(batch)
                return
            for run in batch:
                self._end_unstarted(run.key, "refused", f"The runner's journal cannot be written: {error}")
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
                self._journal.withdrawn([one.key for one in batch[number:]])
                self._wait_for_room(batch[number:])
                return
        self._room_at = -math.inf

    def _wait_for_room(self, batch: list[Submitted]) -> None:
        """They were started nowhere, and come before the others when there is room."""
        self._waiting = {run.key: run for run in batch} | self._waiting
        self._room_at = time.monotonic() + _ROOM_AGAIN

    def _start(self, run: Submitted) -> None:
        started = now()
        log = CappedLog(f"{self._settings.data_directory}/{run.log}", self._settings.log_cap)
        try:
            if run.forked:
                self._ask_for_fork(run, log)
            else:
                self._begun(Live(run, spawn(run, self._settings, self._directories), started, log))
        except Refused as refusal:
            self._end_unstarted(run.key, "refused", str(refusal))

    def _begun(self, live: Live) -> None:
        self._journal.started(live.key, live.process_id, live.started, live.ticks)
        self._live[live.process_id] = self._known[live.key] = live
        self._accepted.append(live.key)
        self._next_due = min(self._next_due, live.due)

    def _end_waiting(self, outcome: str, message: str) -> None:
        for key in (*self._waiting, *self._held):
            self._end_unstarted(key, outcome, message)
        self._waiting.clear()
        self._held.clear()

    def _end_unstarted(self, key: Key, outcome: str, message: str) -> None:
        self._finish((*key, outcome, None, 0, now(), 0, message))

    # Ending

    def _hold_to_limits(self, moment: float) -> None:
        """Look at what runs use. Those that are over a limit are being ended from now on, without grace."""
        over, logs_grow = self._limits.look(
            moment, {run.process_id: key for key, run in self._known.items() if run.process_id}
        )
        for key, message in over.items():
            run = self._known.get(key)
            if run is not None:
                run.is_ended("limited", message)
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
        if run.outcome != "exited" or not (run.process_id in self._live or run.key in self._asked):
            return
        run.outcome, run.message = outcome, message
        if run.process_id:
            self._ask_to_end(run)

    def _ask_to_end(self, run: Live) -> None:
        run.ask_to_end(self._settings.stop_grace)
        self._next_due = min(self._next_due, run.due)

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
        if not self._known:
            self._limits.end()
        self._finish((*run.key, run.outcome, run.exit_code, run.started, now(), run.process_id, run.message))

    def _finish(self, row: ResultRow) -> None:
        self._journal.ended(row)
        self._results.append(row)

    # Forks

    def hear_forks(self) -> None:
        """Take what the fork server says. One that says nothing any more is ended."""
        forks = self._forks
        if forks is None:
            return
        for message in forks.hear():
            self._take(forks, message)
        if forks.channel.closed:
            self._leave_channel(forks)
            forks.kill()

    def see_to_forks(self, moment: float) -> None:
        """End a fork server that does not answer."""
        if self._forks is not None:
            self._forks.check(moment)

    def _must_wait(self, run: Submitted) -> bool:
        """Whether a run cannot be forked yet. The first one starts the fork server, or is refused with the reason."""
        if self._forks is None:
            from tidemill.runners.local.forks import Forks  # only here: most runners never need it

            try:
                with self._victims:
                    self._forks = Forks(self._settings)
            except OSError as error:
                self._refuse(run, f"The fork server cannot be started: {error}")
                return True
            self._poll.register(self._forks.channel.connection.fileno(), EPOLLIN)
        if not self._forks.ready:
            self._held[run.key] = run
        return not self._forks.ready

    def _ask_for_fork(self, run: Submitted, log: CappedLog) -> None:
        """Refused: it cannot be asked for."""
        assert self._forks is not None  # the run has waited for it
        request = prepare_fork(run, self._settings, self._directories)
        live = Live(run, 0, 0, log)
        self._asked[live.key] = self._known[live.key] = live
        self._forks.ask(live.key, request)

    def _refuse(self, run: Submitted, message: str) -> None:
        refuse(run, self._settings, self._directories.logs, message)
        self._end_unstarted(run.key, "refused", message)

    def _take(self, forks: Forks, message: Message) -> None:
        kind = message[0]
        if kind == "ready":
            self._waiting.update(self._held)
            self._held.clear()
        elif kind == "forked":
            self._forked(self._asked.pop((message[1][0], message[1][1])), message[2])
        elif kind == "failed":
            self._not_forked(self._asked.pop((message[1][0], message[1][1])), message[2])
        elif kind == "ended":
            if forks is self._forks:  # else it is dead, and the numbers of its forks may be somebody else's
                processes.signal_group(message[1], signal.SIGKILL)
                forks.reap(message[1])
            self._main_ended(message[1], message[2])

    def _forked(self, run: Live, process_id: int) -> None:
        its = processes.status(process_id)  # it may have been made ahead, long before
        run.process_id, run.started, run.ticks = process_id, now(), its.started if its else ticks()
        self._begun(run)
        if run.outcome != "exited":  # it was asked to end meanwhile
            self._ask_to_end(run)

    def _not_forked(self, run: Live, reason: str) -> None:
        message = f"The task cannot be started: {reason}"
        run.log.add(message)
        del self._known[run.key]
        give_back(run.key, run.task_type, self._settings, self._directories)
        self._end_unstarted(run.key, "refused", message)

    def _lose_forks(self, forks: Forks) -> None:
        """The fork server has died: all that it has not told the end of is ended, and lost.

        The kernel has given its forks to the guard, where they are found like what a run leaves behind: by their
        session or mark, and one whose number was not told yet also by the fork server's session.
        """
        self._forks = None
        for message in forks.last_words():
            self._take(forks, message)
        self._leave_channel(forks)
        for run in self._held.values():
            self._refuse(run, "The fork server ended at its start; the runner's messages may say why.")
        self._held.clear()
        for run in [*self._asked.values(), *(run for run in self._live.values() if run.forked)]:
            run.is_ended("lost", "the process that it was forked from ended")
            run.exit_code = None
            self._ending.append((run, Remains(run.process_id or forks.pid, *run.key)))
            self._live.pop(run.process_id, None)
        self._asked.clear()

    def _leave_channel(self, forks: Forks) -> None:
        connection = forks.channel.connection
        if connection.fileno() >= 0:
            self._poll.unregister(connection.fileno())
            forks.channel.close()
