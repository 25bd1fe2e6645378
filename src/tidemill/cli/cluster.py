"""What a server does beside the others on its PostgreSQL: it listens to them, and keeps its runner's tasks alive."""

import json
import logging
import secrets
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tidemill.runners.local.client import LocalRunner
from tidemill.scheduler.membership import Membership
from tidemill.store.cluster import Place
from tidemill.store.engine import Database
from tidemill.store.listening import listen_to_others

log = logging.getLogger(__name__)

_BEAT = 1.0  # seconds
_AWAY = 2.5  # seconds without a beat after which the database counts as away
_direct = build_opener(ProxyHandler({}))


def runner_name(data: Path, *, sqlite: bool) -> str:
    """The name of a data directory's runner, the same at every start; on SQLite there is only one."""
    if sqlite:
        return "local"
    path = data / "runner.name"
    if not path.exists():
        path.write_text(f"{socket.gethostname()}-{secrets.token_hex(4)}\n")
    return path.read_text().strip()


class Server:
    """This server among others on one PostgreSQL; `endpoint` is where they reach it, `lease` in seconds."""

    def __init__(self, database: Database, name: str, boot: str, endpoint: str, lease: int) -> None:
        self._database = database
        self._ending = threading.Event()
        self.membership = Membership(
            database, Place(name, boot, endpoint), holder=f"{name} {database.id}", lease=lease * 1_000
        )
        # Shorter than the lease in the database, so that tasks have ended when others begin them again.
        self.runner_lease = lease * 2 / 3

    def health(self) -> Mapping[str, str]:
        """What the others, and whoever balances load, ask."""
        return {
            "Role": "leader" if self.membership.leads and not self._away else "standby",
            "Database": "away" if self._away else "ok",
            "Servers": str(1 + len(self.membership.others)),
        }

    @property
    def _away(self) -> bool:
        return monotonic() - self.membership.beaten > _AWAY

    @contextmanager
    def beside(self, runner: LocalRunner) -> Generator[None]:
        """Listen to the others and renew the runner, each in a thread, for the length of the block."""
        threads = [
            threading.Thread(target=listen_to_others, args=(self._database, self._ending), name="listener"),
            threading.Thread(target=self._renew, args=(runner,), name="renewal"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in threads:
                thread.join()

    def _renew(self, runner: LocalRunner) -> None:
        """Let tasks live while our lease in the database is renewed, or while nobody's is.

        A server that alone has lost the database lets its tasks end: the others will run them again. Where the
        database is away for all, nobody does.
        """
        while not self._ending.wait(_BEAT):
            if not self._away or all(_has_lost_it_too(place) for place in list(self.membership.others)):
                runner.renew()


def _has_lost_it_too(place: Place) -> bool:
    """Whether another server says that it cannot reach the database either."""
    try:
        with _direct.open(f"{place.endpoint}/health", timeout=1.0) as answer:
            return json.load(answer).get("Database") == "away"
    except (URLError, OSError, ValueError):
        return False
