"""What a server prunes by itself, where `retention_days` says so."""

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from tidemill.cli.upkeep import sweep_logs
from tidemill.clock import Clock
from tidemill.scheduler.retention import DAY, SHORTEST, prune
from tidemill.settings import Settings
from tidemill.store import archive
from tidemill.store.engine import Database

log = logging.getLogger(__name__)

_EVERY = 3_600.0  # seconds
_PAUSE = 0.05  # seconds between two batches: others have their turn


class Keeper:
    """Prunes each hour what ended more than `retention_days` ago, on the server that `leads`; 0 days: nothing.

    Raises ValueError for an archive without the library that it needs, and for too few days.
    """

    def __init__(self, settings: Settings, database: Database, clock: Clock, leads: Callable[[], bool]) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._leads = leads
        self._ending = threading.Event()
        if 0 < settings.retention_days * DAY < SHORTEST:
            raise ValueError(f"retention_days: 0 (keep everything) or at least {SHORTEST // DAY} is expected")
        if settings.archive is not None:
            archive.check_available()

    @contextmanager
    def beside(self) -> Generator[None]:
        """Prune in a thread for the length of the block."""
        if not self._settings.retention_days:
            yield
            return
        thread = threading.Thread(target=self._run, name="keeper")
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()

    def keep(self) -> int:
        """Prune all that is old enough; how many task instances."""
        before = self._clock.now() - self._settings.retention_days * DAY
        pruned = 0
        while self._leads() and (count := prune(self._database, before, self._settings.archive)):
            pruned += count
            if self._ending.wait(_PAUSE):
                break
        sweep_logs(self._database, self._settings.data, before)
        return pruned

    def _run(self) -> None:
        while True:
            try:
                if pruned := self.keep():
                    log.info("%s task instances were pruned", pruned)
            except Exception:
                log.exception("pruning failed; it is tried again within the hour")
            if self._ending.wait(_EVERY):
                return
