"""Doing an action: look it up, validate, one transaction around it, and the operation log. Knows no HTTP."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sqlalchemy import Connection, insert

from tidemill.actions.caller import Caller
from tidemill.actions.context import Context
from tidemill.actions.reading import read_parameters
from tidemill.actions.table import ACTIONS, Action
from tidemill.clock import Clock
from tidemill.domain.definitions import Wire
from tidemill.domain.errors import ActionNotFound, ActionNotServed, SchedulerError
from tidemill.settings import Settings
from tidemill.store import nonces
from tidemill.store.engine import Database
from tidemill.store.statements import Statement, bindparam
from tidemill.store.tables import operation_log

_LOGGED = ("action", "account_id", "request_id", "time", "code", "objects", "comment")
_log = Statement(insert(operation_log).values({name: bindparam(name) for name in _LOGGED}))


@dataclass(frozen=True, slots=True)
class Services:
    """What actions need from the process."""

    database: Database
    settings: Settings
    clock: Clock


def perform(
    services: Services, caller: Caller, name: str, parameters: Mapping[str, Any], now: int, request_id: str
) -> dict[str, Any]:
    """The answer's members as they go on the wire. Raises SchedulerError; then nothing of the action is done."""
    action = _find(name)
    try:
        request = read_parameters(action.request, parameters)
        with _transaction(services.database, action) as db:
            answer = act(services.settings, db, caller, action, request, now)
            if not action.reads:
                _keep_nonce(db, caller, services.settings)
                _write_log(db, action, caller, request_id, now, request.model_dump(mode="json", by_alias=True), None)
    except SchedulerError as error:
        if not action.reads:
            with services.database.write(announce=False) as db:
                _keep_nonce(db, caller, services.settings)
                _write_log(db, action, caller, request_id, now, parameters, type(error).__name__)
        raise
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)


def act(settings: Settings, db: Connection, caller: Caller, action: Action, request: Wire, now: int) -> Wire:
    """Call the action's function in the given transaction."""
    context = Context(db, now, caller, settings, action.name, action.permission)
    return action.function(context, request)


def _find(name: str) -> Action:
    action = ACTIONS.get(name)
    if action is not None:
        return action
    if name in known_operations():
        raise ActionNotServed(f"{name} is not served here; served are {', '.join(sorted(ACTIONS))}.")
    raise ActionNotFound("Specified api is not found, please check your url and method.")


@cache
def known_operations() -> frozenset[str]:
    """The names of all operations of the API version, served or not."""
    text = resources.files("tidemill.actions").joinpath("operation_names.txt").read_text()
    return frozenset(text.split())


def _transaction(database: Database, action: Action) -> AbstractContextManager[Connection]:
    return database.read() if action.reads else database.write()


def _keep_nonce(db: Connection, caller: Caller, settings: Settings) -> None:
    """A writing action keeps its nonce with what it writes."""
    if caller.nonce:
        kept_for = 2 * settings.clock_skew * 1000
        nonces.add(db, caller.access_key_id, caller.nonce, caller.nonce_time, kept_for)


def _write_log(
    db: Connection,
    action: Action,
    caller: Caller,
    request_id: str,
    now: int,
    parameters: Mapping[str, Any],
    code: str | None,
) -> None:
    named = {name: parameters[name] for name in ("Id", "Ids", "WorkflowId", "ProjectId") if parameters.get(name)}
    _log(
        db,
        action=action.name,
        account_id=caller.account_id,
        request_id=request_id,
        time=now,
        code=code,
        objects=json.dumps(named, default=str),
        comment=str(parameters.get("Comment") or "") or None,
    )
