"""The one way to call an action, for the API, the console and the command line alike."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic.alias_generators import to_pascal
from sqlalchemy import Connection

from tidemill.actions.caller import Caller
from tidemill.actions.context import Context, LogReader
from tidemill.actions.reading import read_parameters
from tidemill.actions.table import ACTIONS, Action, operation_names
from tidemill.clock import Clock
from tidemill.domain.definitions import Wire
from tidemill.domain.errors import ActionNotFound, ActionNotServed, AuthenticationFailed, Forbidden, InvalidRequest
from tidemill.settings import Settings
from tidemill.store import members, nonces, operation_log
from tidemill.store.absence import will_pass
from tidemill.store.accounts import ACTIVE
from tidemill.store.engine import Database, Turn

_OBJECTS = ("id", "ids", "project_id", "workflow_id", "task_id", "task_ids", "operation_id")  # what the log names
_LOGGED_IDS = 500


@dataclass(frozen=True, slots=True)
class Services:
    """What actions work with. `unknown_parameters` counts, for each action, parameters that it does not know.

    `health` gives what `/health` says besides that the server answers.
    """

    database: Database
    settings: Settings
    clock: Clock
    logs: LogReader = field(kw_only=True)
    actions: Mapping[str, Action] = field(default_factory=lambda: ACTIONS)
    unknown_parameters: Counter[str] = field(default_factory=Counter[str])
    health: Callable[[], Mapping[str, str]] = dict


def new_request_id() -> str:
    return str(uuid.uuid4()).upper()


def perform(
    services: Services,
    caller: Caller,
    name: str,
    parameters: Mapping[str, object],
    now: int,
    request_id: str | None = None,
    turn: Turn | None = None,
) -> Wire:
    """Validate, authorise, act and note it in the operation log, in one transaction. `now` is epoch milliseconds.

    `parameters` have the API's names; their values are texts as the wire has them, or plain Python. Raises a
    SchedulerError, and then nothing remains but a line in the operation log; or Busy where others write for longer
    than `turn` says, and then nothing does.
    """
    action = find_action(services, name)
    if turn is not None:
        services = replace(services, database=services.database.within(turn))
    call = _Call(services, action, caller, now, request_id or new_request_id())
    if action.reads:
        return _read(call, _validate(call, parameters))
    try:
        request = _validate(call, parameters)  # before the transaction: others wait for it
    except InvalidRequest as error:
        _log_failure(call, None, error)
        raise
    return _write(call, request)


def find_action(services: Services, name: str) -> Action:
    """Raises ActionNotServed for one that only the API has, ActionNotFound for one that nobody has."""
    action = services.actions.get(name)
    if action is not None:
        return action
    if name in operation_names():
        served = ", ".join(sorted(services.actions))
        raise ActionNotServed(f"{name} is not served here. Served are: {served}.")
    raise ActionNotFound("Specified api is not found, please check your url and method.")


@dataclass(frozen=True, slots=True)
class _Call:
    services: Services
    action: Action
    caller: Caller
    now: int
    request_id: str


def _validate(call: _Call, parameters: Mapping[str, object]) -> Wire:
    request, unknown = read_parameters(call.action.request, parameters, call.services.settings)
    if unknown:
        call.services.unknown_parameters[call.action.name] += unknown
    return request


def _read(call: _Call, request: Wire) -> Wire:
    database, caller = call.services.database, call.caller
    with database.read() as db:
        # A server that is alone knows all nonces; one of several asks what the others have written.
        if caller.nonce and not database.is_sqlite and nonces.is_used(db, caller.access_key_id, caller.nonce):
            raise nonces.used()
        return _act(call, db, request)


def _write(call: _Call, request: Wire) -> Wire:
    try:
        with call.services.database.write() as db:
            _use_nonce(call, db)
            response = _act(call, db, request)
            operation_log.add(db, _entry(call, None, request, response))
            return response
    except Exception as error:
        is_replay = isinstance(error, AuthenticationFailed) and error.code == nonces.USED
        if not (is_replay or will_pass(error)):
            _log_failure(call, request, error)
        raise


def _act(call: _Call, db: Connection, request: Wire) -> Wire:
    action, caller = call.action, call.caller
    # Who signed a request was found active a moment ago, with the key; that is enough to read.
    trusted = action.reads and caller.access_key_id
    if not trusted and members.account_status(db, caller.account_id) != ACTIVE:
        raise Forbidden(action.name, f"The account {caller.account_id} is not active.")
    services = call.services
    context = Context(db, call.now, caller, services.settings, action.name, action.permission, services.logs)
    project_id = getattr(request, "project_id", None)
    if isinstance(project_id, int):
        context.project(project_id)
    return action.function(context, request)


def _use_nonce(call: _Call, db: Connection) -> None:
    caller, settings = call.caller, call.services.settings
    if caller.nonce:
        nonces.purge(db, call.now - 2 * settings.clock_skew * 1000)
        nonces.add(db, caller.access_key_id, caller.nonce, caller.signed)


def _log_failure(call: _Call, request: Wire | None, error: Exception) -> None:
    with call.services.database.write(announce=False) as db:
        _use_nonce(call, db)
        operation_log.add(db, _entry(call, type(error).__name__, request))


def _entry(call: _Call, code: str | None, *named: Wire | None) -> operation_log.Entry:
    objects: dict[str, Any] = {}
    comment: str | None = None
    for model in named:
        values = {} if model is None else {name: getattr(model, name, None) for name in _OBJECTS}
        objects |= {to_pascal(name): _short(value) for name, value in values.items() if value}
        comment = comment or getattr(model, "comment", None)
    return operation_log.Entry(
        call.action.name, call.caller.account_id, call.request_id, call.now, code, objects, comment
    )


def _short(value: Any) -> Any:
    return cast(tuple[Any, ...], value)[:_LOGGED_IDS] if isinstance(value, tuple) else value
