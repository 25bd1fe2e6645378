"""A run that a runner has started, until it is over."""

from __future__ import annotations

import math
import signal
import time

from tidemill.runners.local import processes
from tidemill.runners.local.journal import ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.capped_log import CappedLog
    from tidemill.runners.local.spawn import Submitted
    from tidemill.runners.local.wire import Key


class Live:
    """A run whose main process was started. `outcome` is what its end will be called, `due` when it is acted on.

    `process_id` is 0 while its fork is on the way.
    """

    __slots__ = (
        "due",
        "exit_code",
        "forked",
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
        self.key: Key = run.key
        self.task_type = run.task_type
        self.forked = run.forked
        self.process_id = process_id
        self.started = started
        self.ticks = ticks()
        self.log = log
        self.outcome = "exited"
        self.message = ""
        self.exit_code: int | None = 0
        self.due = time.monotonic() + run.timeout if run.timeout else math.inf

    def is_ended(self, outcome: str, message: str) -> None:
        """It is being killed, and for this reason unless there was an earlier one."""
        if self.outcome == "exited":
            self.outcome, self.message, self.due = outcome, message, math.inf

    def ask_to_end(self, grace: float) -> None:
        """SIGTERM; what is left `grace` seconds later is due to be killed."""
        self.due = time.monotonic() + grace
        processes.signal_group(self.process_id, signal.SIGTERM)
        processes.signal_group(self.process_id, signal.SIGCONT)  # a suspended program heeds nothing
