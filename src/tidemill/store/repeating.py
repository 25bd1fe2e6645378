"""A date's instances from those of another date of the same operation: the database copies what is alike.

What is copied from is as it was made: what an unfinished operation has made exists for nobody (engine 12), and a date
in which an undeployment has touched some counts as one that is not there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, insert, literal, select, text

from tidemill.store.statements import BigInteger, Statement, String, as_rows, bindparam, given
from tidemill.store.tables import instance_edge, task_instance, workflow_instance

t = task_instance.c
w = workflow_instance.c
e = instance_edge.c


class Made(NamedTuple):
    """A date of an operation: its workflow instance, whose id is the first of all that it has, and how many tasks."""

    first_id: int
    tasks: int


def _number(name: str) -> Any:
    return bindparam(name, type_=BigInteger)


_made = Statement(
    select(w.bizdate, w.id, func.count())
    .join_from(workflow_instance, task_instance, t.workflow_instance_id == w.id)
    .where(w.origin == _number("origin"), w.origin > text("0"), w.bizdate.in_([bindparam("date"), bindparam("before")]))
    .where(t.kind == "Task", t.status == "NotRun", t.reason.is_(None), t.frozen == 0)
    .group_by(w.bizdate, w.id)
)
_runs = given("rows", ("first", BigInteger), ("last", BigInteger), ("parameters", String))
_SAME = (
    "kind", "env", "project_id", "task_id", "task_version", "workflow_id", "origin", "planning_id", "period_number",
    "recurrence", "control", "immediate", "pending_upstreams", "waits_entry", "rerun_mode", "rerun_times",
    "rerun_interval", "timeout", "resource_group_id", "priority", "weight", "max_parallel", "data_source",
    "signalled_time", "run_window", "create_user", "modify_user",
)  # fmt: skip
_OWN: Mapping[str, Any] = {
    "id": t.id + _number("shift"),
    "workflow_instance_id": t.workflow_instance_id + _number("shift"),
    "representative_id": t.representative_id + _number("shift"),
    "bizdate": bindparam("bizdate", type_=String),
    "trigger_time": t.trigger_time + _number("later"),
    "due_time": func.coalesce(bindparam("due_time", type_=BigInteger), t.due_time + _number("later")),
    "late": case((func.abs(t.trigger_time + _number("later") - _number("now")) > _number("late_beyond"), 1), else_=0),
    "status": literal("NotRun"),
    "parameters": _runs.c.parameters,
    "create_time": _number("now"),
    "modify_time": _number("now"),
}
_instances = Statement(
    insert(task_instance).from_select(
        [*_OWN, *_SAME],
        select(*_OWN.values(), *(t[name] for name in _SAME)).where(
            t.id >= _runs.c.first - _number("shift"), t.id <= _runs.c.last - _number("shift")
        ),
    )
)
_edges = Statement(
    insert(instance_edge).from_select(
        ["downstream_id", "upstream_id", "type"],
        select(
            e.downstream_id + _number("shift"),
            e.upstream_id + case((e.upstream_id >= _number("first"), _number("shift")), else_=_number("earlier_shift")),
            e.type,
        ).where(e.downstream_id >= _number("first"), e.downstream_id <= _number("last"), e.type != "Gate"),
    )
)


def made(db: Connection, origin: int, bizdate: str, before: str) -> dict[str, Made]:
    """What an operation made for two business dates, and nobody has touched; where that is nothing it is left out."""
    return {row[0]: Made(*row[1:]) for row in _made(db, origin=origin, date=bizdate, before=before)}


def repeat_instances(
    db: Connection,
    parameters: Iterable[tuple[int, int, str]],
    *,
    shift: int,
    bizdate: str,
    later: int,
    due_time: int | None,
    now: int,
    late_beyond: int,
) -> None:
    """Add the task instances that have the ids of others plus `shift`, `later` milliseconds after them.

    `parameters` are those that each range of new ids, from the first to the last, keeps; `due_time` is when all of
    them may start, where that is not as much later as they are; those more than `late_beyond` from now are late.
    """
    _instances(
        db,
        rows=as_rows(parameters),
        shift=shift,
        bizdate=bizdate,
        later=later,
        due_time=due_time,
        now=now,
        late_beyond=late_beyond,
    )


def repeat_edges(db: Connection, first: int, last: int, *, shift: int, earlier_shift: int) -> None:
    """Add the edges of the instances from `first` to `last` for those `shift` further on.

    Upstreams from `first` on are as much further on, those of the date before by `earlier_shift`. None is satisfied.
    """
    _edges(db, first=first, last=last, shift=shift, earlier_shift=earlier_shift)
