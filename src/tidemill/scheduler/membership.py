"""A server's part in an installation of several: its runner's lease, and whether it is the one that leads.

Engine 24 and 25. The leader alone plans, releases and dispatches, and every transaction in which it does so checks
first that nobody else leads by now. Each server settles the results of its own runner.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from sqlalchemy import Connection

from tidemill.runners.contract import Result
from tidemill.scheduler.settle import settle
from tidemill.store import cluster, runs
from tidemill.store.cluster import DatabaseTime, Place
from tidemill.store.engine import Database

log = logging.getLogger(__name__)

BEAT = 1.0  # seconds between renewals
FREE_AFTER = 3_000  # ms without a renewal after which another server may lead
_SILENCE = 5_000  # ms between two renewals that look like a database that was away


class NotLeading(Exception):
    """Another server leads by now: what this transaction was about to do is its business."""


@dataclass
class Membership:
    """`place` is this server's runner; `holder` names the process; `time` reads the database's clock.

    `lease` is how long (ms) a runner is trusted after its last renewal; a third of that later its runs count as lost.
    `others` are the other servers that were there at the last beat; `beaten` is when that was, by the monotonic clock.
    """

    database: Database
    place: Place
    holder: str
    time: DatabaseTime = cluster.database_time
    monotonic: Callable[[], float] = monotonic
    lease: int = 15_000
    epoch: int | None = None
    places: list[Place] = field(default_factory=list[Place])
    others: list[Place] = field(default_factory=list[Place])
    beaten: float = float("-inf")
    _connected: int = 0
    _last: int = 0

    @property
    def leads(self) -> bool:
        return self.epoch is not None

    def beat(self) -> None:
        """Renew the lease and the leadership, or take it if it is free."""
        with self.database.write_apart() as db:
            now = self.time(db)
            cluster.lease(db, self.place, now + self.lease)
            epoch = cluster.lead(db, self.holder, now, FREE_AFTER)
            self.places = cluster.live(db, now)
        if epoch != self.epoch:
            if epoch is None:
                log.warning("this server leads no longer")
            else:
                log.info("this server leads, with epoch %d", epoch)
        if now - self._last > _SILENCE:
            self._connected = now
        self.epoch, self._last, self.beaten = epoch, now, self.monotonic()
        self.others = [place for place in self.places if place.name != self.place.name]

    @property
    def due(self) -> bool:
        """Whether the next beat is."""
        return self.monotonic() - self.beaten >= BEAT

    def fence(self, db: Connection) -> Callable[[], None]:
        """What raises NotLeading where another server leads by now; so does this, where that is known."""
        if self.epoch is None:
            raise NotLeading
        holds = cluster.leads(db, self.holder, self.epoch)

        def check() -> None:
            if not holds:
                self.epoch = None
                raise NotLeading

        return check

    def rescue_others(self, db: Connection, now: int) -> int:
        """Settle the runs of runners whose leases have ended as lost; how many there were.

        Not before a lease and its grace have passed since this server has reached the database without a break: one
        that was away for a minute must not make everything that runs look lost.
        """
        then = self.time(db)
        grace = self.lease // 3
        if then - self._connected < self.lease + grace:
            return 0
        lost = runs.lost(db, then, grace, self.lease + grace)
        results = [_lost(instance, number, now, name) for instance, number, name in lost]
        return settle(db, now, results) if results else 0

    def leave(self) -> None:
        """Let the others take over at once."""
        with self.database.write_apart() as db:
            cluster.lease(db, self.place, 0)
            cluster.give_up(db, self.holder)
            self.database.tell_others(db)
        self.epoch = None


def _lost(instance: int, run_number: int, now: int, name: str) -> Result:
    return Result(instance, run_number, "lost", None, 0, now, message=f"its runner {name} is gone")
