"""How errors look on the wire: the only place that knows."""

import json
from dataclasses import dataclass

from tidemill.domain import errors
from tidemill.domain.errors import SchedulerError
from tidemill.store.absence import will_pass
from tidemill.store.fullness import is_full

_RETRY_AFTER = 1_000  # ms

WIRE: dict[type[SchedulerError], tuple[int, str]] = {
    errors.InvalidRequest: (400, "{Missing or Invalid}{Parameter}"),
    errors.NotFound: (404, "Invalid{Kind}.NotFound"),
    errors.StatusConflict: (409, "Conflict"),
    errors.Forbidden: (403, "Forbidden.Access"),
    errors.ActionNotFound: (404, "InvalidAction.NotFound"),
    errors.ActionNotServed: (501, "NotImplemented"),
    errors.AuthenticationFailed: (400, "{Code}"),
    errors.PayloadTooLarge: (413, "RequestEntityTooLarge"),
    errors.MethodNotAllowed: (405, "UnsupportedHTTPMethod"),
    errors.LogUnavailable: (503, "ServiceUnavailable.Log"),
    errors.Overloaded: (503, "ServiceUnavailable"),
}
_OTHER_STATUS = {"InvalidAccessKeyId.NotFound": 404}


@dataclass(frozen=True, slots=True)
class WireError:
    """`retry_after` in milliseconds, 0 for none; `action` is the one that was forbidden."""

    status: int
    code: str
    message: str
    retry_after: int = 0
    action: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether the fault is the server's, and belongs into its log."""
        return self.status >= 500 and self.code != "NotImplemented"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Those that only errors have: when to try again, in the API's milliseconds and in HTTP's seconds."""
        if not self.retry_after:
            return []
        seconds = -(-self.retry_after // 1_000)
        return [(b"x-acs-retry-after", b"%d" % self.retry_after), (b"retry-after", b"%d" % seconds)]

    def body(self, host: str, scheme: str, request_id: str) -> bytes:
        """The JSON object that every client reads; all members are texts, but for AccessDeniedDetail."""
        members: dict[str, object] = {
            "RequestId": request_id,
            "HostId": host,
            "Code": self.code,
            "Message": self.message,
            "Recommend": f"{scheme}://{host.rpartition('://')[2]}/",
        }
        if self.action:
            members["AccessDeniedDetail"] = {"AuthAction": f"dataworks:{self.action}", "PolicyType": "ProjectRole"}
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


_BUSY = WireError(
    503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.", _RETRY_AFTER
)
_FULL = WireError(
    503,
    "ServiceUnavailable",
    "The server's disk is full: nothing was changed. Try again when there is room.",
    _RETRY_AFTER,
)
_UNKNOWN = WireError(
    500, "InternalError", "The request processing has failed due to some unknown error, exception or failure."
)


def to_wire(error: BaseException) -> WireError:
    """Status, code and message of an error; one outside the tree says nothing of its insides."""
    if will_pass(error):
        return _BUSY
    if is_full(error):
        return _FULL
    if not isinstance(error, SchedulerError):
        return _UNKNOWN
    status, code = WIRE[type(error)]
    match error:
        case errors.InvalidRequest():
            return _invalid(status, error)
        case errors.NotFound():
            return WireError(status, f"Invalid{error.kind}.NotFound", str(error))
        case errors.AuthenticationFailed():
            return WireError(_OTHER_STATUS.get(error.code, status), error.code, str(error))
        case errors.Forbidden():
            return WireError(status, code, str(error), action=error.action)
        case errors.Overloaded():
            return WireError(status, code, str(error), _RETRY_AFTER)
        case _:
            return WireError(status, code, str(error))


def _invalid(status: int, error: errors.InvalidRequest) -> WireError:
    """The code names the first fault's parameter, the message lists them."""
    first = error.faults[0]
    listed = str(error)
    if not first.missing:
        message = f"Specified parameter {first.parameter} is not valid. {listed}"
        return WireError(status, f"Invalid{first.parameter}", message)
    message = f"{first.path} is mandatory for this action."
    if len(error.faults) > 1 or first.path != first.parameter:
        message += f" {listed}"
    return WireError(status, f"Missing{first.parameter}", message)
