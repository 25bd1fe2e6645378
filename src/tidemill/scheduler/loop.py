"""The loop around the steps. It only waits, calls them in one transaction a turn, and goes on after an error.

A turn applies the results that arrived, releases what is due, dispatches, commits, and only then hands runs to the
runner. Nothing is polled: the loop sleeps until a result, a commit of somebody else, or the next due time. Where
several servers share a database, one of them leads; the others only settle what their own runner did.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from tidemill.clock import Clock
from tidemill.runners.contract import Result, Run, Runner
from tidemill.scheduler.creation import create
from tidemill.scheduler.dispatch import Lease, dispatch
from tidemill.scheduler.membership import BEAT, Membership, NotLeading
from tidemill.scheduler.planner import Planner, PlanningRules
from tidemill.scheduler.release import release
from tidemill.scheduler.rescue import Key, rescue
from tidemill.scheduler.settle import settle
from tidemill.store import instances, runs
from tidemill.store.absence import Busy, will_pass
from tidemill.store.engine import Database
from tidemill.store.fullness import is_full
from tidemill.store.parameters import Secrets

log = logging.getLogger(__name__)

_AFTER_ERROR = 1.0  # seconds
_PATIENCE = 5.0  # seconds that a turn waits for others who write, before that is worth a line in the log
_ROOM_AGAIN = 1.0  # seconds until a full disk is looked at again


def _always() -> bool:
    return True


class Scheduler:
    """Drives the steps over one database with one runner. `run` blocks; `stop` ends it from any thread.

    Without `planning` rules nothing is planned by the clock; without a `vault` runs that need a secret are refused. A
    server that is not alone on its database has a `membership`. While `has_room` says that the disk is full, results
    are applied, but nothing is started here, and on SQLite nothing planned or created.
    """

    def __init__(
        self,
        database: Database,
        runner: Runner,
        clock: Clock,
        *,
        boot: str,
        default_slots: int,
        planning: PlanningRules | None = None,
        vault: Secrets | None = None,
        membership: Membership | None = None,
        has_room: Callable[[], bool] = _always,
    ) -> None:
        self._database = database.patient(_PATIENCE)
        self._leading = self._database.fenced(membership.fence) if membership is not None else self._database
        self._runner = runner
        self._clock = clock
        self._lease = Lease(runner.name, boot)
        self._default_slots = default_slots
        self._planner = Planner(self._leading, planning) if planning is not None else None
        self._vault = vault
        self._membership = membership
        self._has_room = has_room
        self._changed = threading.Event()  # somebody else committed: look for creations and stops
        self._ending = threading.Event()
        self._unsettled: list[Result] = []
        self._asked: set[Key] = set()
        self._given: set[Key] = set()  # to the runner, since we took over; kept only where runs come by the database
        self._taken_over = False
        self._failed, self._failure = False, ""  # the latest turn, and how: the next one waits for each statement
        self._is_shut_out = False
        self.pause: float | None = 0.0  # seconds until something comes due; None: nothing will by itself
        database.listen(self.wake)

    def wake(self) -> None:
        """Something was committed that may have made work."""
        self._changed.set()
        self._runner.wake()

    def stop(self) -> None:
        self._ending.set()
        self._runner.wake()

    def leave(self, grace: float) -> None:
        """After `run` has ended: give running tasks `grace` seconds, end the others with the runner, keep the results.

        Runs that were ended are run again at the next start (engine 26), or elsewhere at once.
        """
        self._unsettled += self._runner.close(stop_runs=True, grace=grace)
        try:
            with self._database.write(announce=False) as db:
                settle(db, self._clock.now(), self._unsettled, self._runner.output)
        except Busy as error:
            log.warning("the last results are settled at the next start: %s", error)
        if self._membership is not None:
            self._membership.leave()

    def run(self) -> None:
        """Turn until `stop`; after an error with a pause."""
        self._changed.set()
        while not self._ending.is_set():
            if not self.step():
                self._ending.wait(_AFTER_ERROR)

    def step(self) -> bool:
        """Wait for `pause` seconds or until something comes, and turn; False after an error.

        It begins by taking over what an earlier server left, and does so afresh after an error: that may have come
        after its turn's commit, and what is Running by then may not have been handed over.
        """
        try:
            if not self._taken_over:
                self._runner.start()
            self._unsettled += self._runner.wait(self.pause)
            if not self._taken_over:
                self._take_over()
                self._taken_over = True
            self.pause = self.turn()
            self._failed, self._failure = False, ""
            self._note_absence(None)
        except NotLeading:
            self._changed.set()
            self.pause = 0.0
        except Busy as error:  # what had been committed before is complete in itself
            self._failed = True
            self._note_absence(error)
            self._changed.set()
            self.pause = 0.0
        except Exception as error:
            self._failed = True
            if will_pass(error):
                self._note_absence(error)
            else:
                self._complain(error)
            self._changed.set()
            self._asked.clear()
            self._taken_over = False
            self.pause = 0.0
            return False
        return True

    def _note_absence(self, error: Exception | None) -> None:
        """Say once that the database is away or taken, and once that it is back."""
        if error is not None and not self._is_shut_out:
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            log.warning("the scheduler waits for the database; nothing is lost, and it goes on by itself: %s", reason)
        elif error is None and self._is_shut_out:
            log.warning("the scheduler goes on: the database is there again")
        self._is_shut_out = error is not None

    def _complain(self, error: Exception) -> None:
        """Log a turn's failure, with its traceback unless that is in the log already."""
        failure = f"{type(error).__name__}: {error}".split("\n")[0]
        if failure == self._failure and is_full(error):
            return
        if is_full(error):
            log.error("the database's disk is full; results are kept and applied when there is room")
        elif failure == self._failure:
            log.error("the scheduler's turn fails still: %s", failure)
        else:
            log.error("the scheduler's turn failed; its results are kept and applied again", exc_info=error)
        self._failure = failure

    def turn(self) -> float | None:
        """One round of all steps; the seconds until something comes due, None when nothing will by itself.

        Raises NotLeading, with nothing done, where another server leads by now.
        """
        if self._membership is None:
            return self._lead(look=False)
        look = self._membership.due
        if look:
            self._membership.beat()
        pause = self._lead(look) if self._membership.leads else self._follow(look)
        return BEAT if pause is None else min(pause, BEAT)

    def _lead(self, look: bool) -> float | None:
        """A turn of the server that plans and dispatches. `look`: see to other servers as well."""
        room = self._has_room()
        changed = self._changed.is_set()
        more = False
        if room or not self._database.is_sqlite:
            self._changed.clear()
            now = self._clock.now()
            changed = (self._planner is not None and self._planner.plan(now, look=changed)) or changed
            more = changed and create(self._leading, now)
        now = self._clock.now()
        with self._leading.write(announce=False, pipelined=not self._failed) as db:
            settle(db, now, self._unsettled, self._runner.output)
            if look and self._membership is not None:
                self._membership.rescue_others(db, now)
            more = release(db, now) or more
            others = self._others()
            started, strays = self._given_elsewhere(db, now) if look else ([], [])
            started += dispatch(db, now, self._lease, self._default_slots, self._vault, others, room=room)
            stops = runs.to_stop(db) if changed else []
            if others:
                self._database.tell_others(db)
            due = instances.next_due(db, now)
        self._end_strays(strays)
        self._hand_over(started, stops)
        if more:
            self._changed.set()
            return 0.0
        if not room:
            self._changed.set()  # what was asked for meanwhile is looked at when there is room
            return _ROOM_AGAIN
        times = [time for time in (due.scalar(), self._planner and self._planner.next_time()) if time is not None]
        return max(0.0, (min(times) - self._clock.now()) / 1000) if times else None

    def _follow(self, look: bool) -> float | None:
        """A turn of a server that another one leads: settle what our runner did, start what was given to it."""
        changed = self._changed.is_set() or look
        self._changed.clear()
        if not (changed or self._unsettled):
            return None
        now = self._clock.now()
        with self._database.write(announce=False, pipelined=not self._failed) as db:
            if settle(db, now, self._unsettled, self._runner.output):
                self._database.tell_others(db)
            started, strays = self._given_elsewhere(db, now) if changed else ([], [])
            stops = runs.to_stop(db) if changed else []
        self._end_strays(strays)
        self._hand_over(started, stops)
        return None

    def _others(self) -> list[Lease]:
        """The runners of other servers that live."""
        return [Lease(it.name, it.boot) for it in self._membership.others] if self._membership is not None else []

    def _given_elsewhere(self, db: Connection, now: int) -> tuple[list[Run], list[Key]]:
        """Runs that a leader gave to our runner; and those that it has, but that are not its any more."""
        started = rescue(db, now, self._lease, self._vault, shared=True, known=self._given)
        current = {(instance, number) for instance, number, _ in runs.running(db, self._lease.runner)}
        return started, list(self._runner.alive() - current)

    def _end_strays(self, strays: Sequence[Key]) -> None:
        for stray in strays:
            self._runner.stop(*stray)

    def _hand_over(self, started: Sequence[Run], stops: Sequence[Key]) -> None:
        if self._unsettled:
            self._runner.acknowledge(self._unsettled)
            ended = {(result.instance, result.run_number) for result in self._unsettled}
            self._asked -= ended
            self._given -= ended
            self._unsettled = []
        if started:
            self._runner.submit(started)
            if self._membership is not None:
                self._given.update((run.instance, run.run_number) for run in started)
        for asked in stops:
            if asked not in self._asked and (self._membership is None or asked in self._given):
                self._asked.add(asked)
                self._runner.stop(*asked)

    def _take_over(self) -> None:
        """Apply what ended meanwhile, then send the runner every run that the database calls Running."""
        now = self._clock.now()
        self._given.clear()
        with self._database.write(announce=False) as db:
            settle(db, now, self._unsettled, self._runner.output)
            again = rescue(db, now, self._lease, self._vault, shared=self._membership is not None)
        self._hand_over(again, ())
