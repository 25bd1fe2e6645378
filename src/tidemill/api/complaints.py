"""Failures of requests in the server's log: a flood of them must not become a flood of lines."""

import logging
from time import monotonic

log = logging.getLogger(__name__)

_PAUSE = 10.0  # seconds between lines about what passes by itself


class Complaints:
    """Only the event loop's thread touches this."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._unsaid = 0

    def log(self, request_id: str, error: BaseException, *, passing: bool) -> None:
        """With its traceback, for it is a fault of ours; `passing`: a line, and now and then how many there were."""
        if not passing:
            log.error("request %s failed", request_id, exc_info=error)
            return
        now = monotonic()
        if now < self._next:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more before it)" if self._unsaid else ""
        reason = str(error).split("\n")[0]
        log.warning("request %s%s is to be sent again: %s: %s", request_id, more, type(error).__name__, reason)
        self._next = now + _PAUSE
        self._unsaid = 0
