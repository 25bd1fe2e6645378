"""What can go wrong and whose fault it is. Only `api/errors.py` knows how these look on the wire.

SchedulerError                what a caller can cause and act on
├── InvalidRequest            parameters missing or malformed; carries every fault, in document order
├── NotFound                  no such object in this environment
├── StatusConflict            the object's state does not allow this now
├── Forbidden                 the account may not do this
├── ActionNotFound            no operation of that name and version
├── ActionNotServed           the API has the operation, this server does not
├── AuthenticationFailed      the caller did not prove who it is; carries the gateway's code for how
├── PayloadTooLarge           the request is larger than the server accepts
├── MethodNotAllowed          neither GET nor POST
├── LogUnavailable            the server that has the log does not answer
└── Overloaded                the server has too much to do just now: the same request may succeed later

Anything outside this tree is a bug: it is logged with its traceback and answered as an internal error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_NAMED = 50


class Malformed(ValueError):
    """Text that cannot be read; the message says what would be right. Callers know where it stood."""


class SchedulerError(Exception):
    """What a caller can cause and act on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: `path` as `Tasks[2].Trigger.Recurrence`, and what would be right."""

    path: str
    message: str
    missing: bool = False

    @property
    def parameter(self) -> str:
        """The top-level parameter that the path begins with."""
        return self.path.split(".", 1)[0].split("[", 1)[0]


class InvalidRequest(SchedulerError):
    """One or more values in the request are missing or malformed. `faults` has all, the text names the first fifty."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        named = [f"{fault.path}: {fault.message}" for fault in self.faults[:_NAMED]]
        more = [f"and {len(faults) - _NAMED} more"] if len(faults) > _NAMED else []
        super().__init__("; ".join(named + more))


class NotFound(SchedulerError):
    """No such object. `kind` is the API's noun (`Workflow`, `Task`, `TaskInstance` …)."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class StatusConflict(SchedulerError):
    """The state of the object does not allow this now."""


class Forbidden(SchedulerError):
    """The account may not do this. `action` is the operation's name."""

    def __init__(self, action: str, message: str) -> None:
        self.action = action
        super().__init__(message)


class ActionNotFound(SchedulerError):
    """The API has no operation of that name and version."""


class ActionNotServed(SchedulerError):
    """The API has the operation, but this server does not serve it; the message lists those it does."""


class PayloadTooLarge(SchedulerError):
    """The request is larger than the server accepts."""


class MethodNotAllowed(SchedulerError):
    """Neither GET nor POST."""


class LogUnavailable(SchedulerError):
    """The server that has the log does not answer; the message names it."""


class Overloaded(SchedulerError):
    """The server has too much to do just now: the same request may succeed later."""


class AuthenticationFailed(SchedulerError):
    """The caller did not prove who it is. `code` is the gateway's for this way to fail (`SignatureNonceUsed` …)."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
