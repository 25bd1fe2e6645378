"""How errors look on the wire: the only place that knows."""

from dataclasses import dataclass, field
from typing import Any

from tidemill.domain import errors
from tidemill.domain.errors import SchedulerError


@dataclass(frozen=True, slots=True)
class WireError:
    status: int
    code: str
    message: str
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


_FIXED: dict[type[SchedulerError], tuple[int, str]] = {
    errors.StatusConflict: (409, "Conflict"),
    errors.ActionNotFound: (404, "InvalidAction.NotFound"),
    errors.ActionNotServed: (501, "NotImplemented"),
    errors.PayloadTooLarge: (413, "RequestEntityTooLarge"),
    errors.MethodNotAllowed: (405, "UnsupportedHTTPMethod"),
}
_UNKNOWN = WireError(
    500, "InternalError", "The request processing has failed due to some unknown error, exception or failure."
)


def to_wire(error: BaseException) -> WireError:
    """Status, code and message of an error; one outside the tree says nothing of its insides."""
    match error:
        case errors.InvalidRequest():
            return _invalid(error)
        case errors.NotFound():
            return WireError(404, f"Invalid{error.kind}.NotFound", str(error))
        case errors.Forbidden():
            detail = {"AuthAction": f"dataworks:{error.action}", "PolicyType": "ProjectRole"}
            return WireError(403, "Forbidden.Access", str(error), {"AccessDeniedDetail": detail})
        case errors.AuthenticationFailed():
            return WireError(error.status, error.code, str(error))
        case SchedulerError():
            return WireError(*_FIXED[type(error)], str(error))
        case _:
            return _UNKNOWN


def error_body(error: WireError, host: str, request_id: str) -> dict[str, Any]:
    """An error's answer; `host` is the endpoint as the client called it."""
    return {
        "RequestId": request_id,
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}&product=dataworks-public&requestId={request_id}",
        **error.extra,
    }


def _invalid(error: errors.InvalidRequest) -> WireError:
    """The code names the first fault's parameter; the message lists all of them."""
    first = error.faults[0]
    if first.missing and first.path == first.parameter:
        return WireError(400, f"Missing{first.parameter}", f"{first.parameter} is mandatory for this action. {error}")
    code = f"{'Missing' if first.missing else 'Invalid'}{first.parameter}"
    return WireError(400, code, f"Specified parameter {first.parameter} is not valid. {error}")
