"""Hearing of what other servers on this PostgreSQL have committed."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from tidemill.store.engine import CHANNEL, Database

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds between looks at whether to end
_AFTER_ERROR = 1.0  # seconds


def listen_to_others(database: Database, ending: threading.Event) -> None:
    """Announce their commits to our listeners, until `ending` is set. A lost connection is made again."""
    is_deaf = False

    def heard() -> None:
        nonlocal is_deaf
        is_deaf = False

    while not ending.is_set():
        try:
            _listen(database, ending, heard)
        except Exception as error:
            if not is_deaf:  # one line an absence
                log.warning("cannot listen to the other servers: %s", str(error).split("\n")[0])
            is_deaf = True
            ending.wait(_AFTER_ERROR)


def _listen(database: Database, ending: threading.Event, heard: Callable[[], None]) -> None:
    with database.reader.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql(f"LISTEN {CHANNEL}")
        heard()
        database.announce()  # for what was said before we listened
        driver: Any = db.connection.driver_connection
        while not ending.is_set():
            payloads = {notice.payload for notice in driver.notifies(timeout=_LOOK, stop_after=1)}
            if payloads - {database.id}:
                database.announce()
        db.exec_driver_sql("UNLISTEN *")
