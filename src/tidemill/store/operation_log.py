"""Who did what, and whether it succeeded: one row for each call of a writing action."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from tidemill.store.statements import Statement, bindparam
from tidemill.store.tables import operation_log

_COLUMNS = ("action", "account_id", "request_id", "time", "code", "objects", "comment")
_add = Statement(insert(operation_log).values({name: bindparam(name) for name in _COLUMNS}))


@dataclass(frozen=True, slots=True)
class Entry:
    """`code` is None for success, else the kind of error; `objects` are the ids that the call named or made."""

    action: str
    account_id: str
    request_id: str
    time: int
    code: str | None
    objects: Mapping[str, object]
    comment: str | None


def add(db: Connection, entry: Entry) -> None:
    _add(
        db,
        action=entry.action,
        account_id=entry.account_id,
        request_id=entry.request_id,
        time=entry.time,
        code=entry.code,
        objects=json.dumps(entry.objects, separators=(",", ":")) if entry.objects else None,
        comment=entry.comment,
    )
