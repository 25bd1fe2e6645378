"""Task instances as the scheduler moves them: load, save, and the history of every change."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.sql.elements import ColumnElement

from tidemill.domain.control.kinds import MERGE
from tidemill.domain.instance import PAUSED, Change, Instance
from tidemill.store.statements import (
    BigInteger,
    Integer,
    Rows,
    Statement,
    UpdateMany,
    among,
    as_ids,
    as_rows,
    bindparam,
    given,
    is_of,
)
from tidemill.store.tables import READY, event, instance_edge, operation, task, task_instance, workflow_instance

t = task_instance.c
e = instance_edge.c
w = workflow_instance.c

_FIELDS = tuple(field.name for field in fields(Instance))
_KEYS = {"id", "kind", "representative_id", "recurrence", "immediate", "trigger_time", "pending_upstreams",
         "rerun_mode", "rerun_times", "rerun_interval", "upstreams_done_time", "run_window", "control",
         "unchosen"}  # fmt: skip
_SAVED = tuple(name for name in _FIELDS if name not in _KEYS)
_TEXTS = {"status", "stop_user", "reason", "operation_type"}

# Instances that a planning or creation in progress has made do not exist yet for anybody.
visible: ColumnElement[bool] = t.planning_id.not_in(select(operation.c.id).where(operation.c.finished_time.is_(None)))

COLUMNS = [t[name] for name in _FIELDS]
_load = Statement(select(*COLUMNS).where(among(t.id)).order_by(t.id))
_existing = Statement(select(*COLUMNS).where(among(t.id), visible).order_by(t.id))
_ready = Statement(
    select(*COLUMNS)
    .where(text(READY), t.due_time <= bindparam("now"), visible)
    .order_by(t.due_time)
    .limit(bindparam("limit", type_=Integer))
)
_next_due = Statement(select(func.min(t.due_time)).where(text(READY), t.due_time > bindparam("now")))

_save = UpdateMany(
    task_instance,
    [("id", BigInteger)],
    [(name, String if name in _TEXTS else BigInteger) for name in _SAVED],
    modify_time="now",
)
_saved_of = attrgetter("id", *_SAVED)

_event = Statement(insert(event).values({c.name: bindparam(f"{c.name}") for c in event.c if c.name != "id"}))

_counts = given("rows", ("id", BigInteger), ("unfinished", BigInteger), ("failed", BigInteger))
_count = Statement(
    update(task_instance)
    .where(t.id == _counts.c.id, is_of(t.id))
    .values(unfinished=t.unfinished + _counts.c.unfinished, failed=t.failed + _counts.c.failed)
    .returning(t.id, t.status, t.unfinished, t.failed, t.started_time)
)
_counters = Statement(select(t.id, t.status, t.unfinished, t.failed, t.started_time).where(among(t.id)))

_satisfy = Statement(
    update(instance_edge).where(among(e.upstream_id), e.satisfied == 0).values(satisfied=1).returning(e.downstream_id)
)
_merge = exists(select(1).where(t.id == e.downstream_id, t.control == MERGE))
_satisfy_merges = Statement(
    update(instance_edge)
    .where(among(e.upstream_id), e.satisfied == 0, _merge)
    .values(satisfied=1)
    .returning(e.downstream_id)
)
_lowered = given("rows", ("id", BigInteger), ("number", BigInteger))


def _lower(number: ColumnElement[Any]) -> dict[str, Any]:
    done = case((t.pending_upstreams == number, bindparam("now", type_=BigInteger)), else_=t.upstreams_done_time)
    return {"pending_upstreams": t.pending_upstreams - number, "upstreams_done_time": done}


_release = Statement(update(task_instance).where(t.id == _lowered.c.id, is_of(t.id)).values(_lower(_lowered.c.number)))
_opened = task_instance.alias("opened")
_open_entry = Statement(
    update(task_instance)
    .where(
        t.workflow_instance_id.in_(select(_opened.c.workflow_instance_id).where(among(_opened.c.id))),
        t.waits_entry == 1,
    )
    .values(waits_entry=0, **_lower(literal(1, type_=Integer)))
)

# A reopened upstream holds back those downstream that have not begun, even those already queued.
_has_not_begun = and_(
    t.finished_time.is_(None),
    or_(t.status == "NotRun", t.status == "WaitResource", t.status == "WaitTrigger"),
    t.retries_used == 0,
    t.lost_runs == 0,
)
_not_begun = select(t.id).where(_has_not_begun)
_reopen = Statement(
    update(instance_edge)
    .where(among(e.upstream_id), e.satisfied == 1, e.downstream_id.in_(_not_begun))
    .values(satisfied=0)
    .returning(e.downstream_id)
)
_not_begun_of = Statement(
    select(t.id).where(
        t.env == bindparam("env"),
        among(t.task_id),
        t.kind == "Task",
        _has_not_begun,
        t.reason.is_distinct_from("Undeployed"),
    )
)
_make_dry = Statement(update(task_instance).where(among(t.id)).values(immediate=1, recurrence="Skip"))
_raise = Statement(
    update(task_instance)
    .where(t.id == _lowered.c.id, is_of(t.id))
    .values(pending_upstreams=t.pending_upstreams + _lowered.c.number, upstreams_done_time=null())
)


_ran_upstream = task_instance.alias("ran_upstream")
_recheck = Statement(
    update(instance_edge)
    .where(
        among(e.downstream_id),
        e.satisfied == 1,
        exists(select(1).where(_ran_upstream.c.id == e.upstream_id, _ran_upstream.c.status != "Success")),
        ~and_(
            _merge, exists(select(1).where(_ran_upstream.c.id == e.upstream_id, _ran_upstream.c.status == "Failure"))
        ),
    )
    .values(satisfied=0)
    .returning(e.downstream_id)
)
_first = task_instance.alias("first")
_first_edge = instance_edge.alias("first_edge")
_entry_of = task_instance.alias("entry_of")
_entry_closed = exists(select(1).where(_entry_of.c.id == t.representative_id, _entry_of.c.started_time.is_(None)))
_WAITING_FOR_ENTRY = {"waits_entry": 1, "pending_upstreams": t.pending_upstreams + 1, "upstreams_done_time": null()}
_pass_entry = Statement(
    update(task_instance)
    .where(
        t.waits_entry == 0,
        _has_not_begun,
        _entry_closed,
        exists(
            select(1)
            .select_from(_first_edge.join(_first, _first.c.id == _first_edge.c.upstream_id))
            .where(
                _first_edge.c.downstream_id == t.id,
                among(_first.c.id),
                _first.c.workflow_instance_id == t.workflow_instance_id,
            )
        ),
    )
    .values(_WAITING_FOR_ENTRY)
)
_cut = Statement(
    delete(instance_edge)
    .where(e.downstream_id == bindparam("id"), among(e.upstream_id))
    .returning(e.upstream_id, e.satisfied)
)
_keep_entry = Statement(
    update(task_instance)
    .where(among(t.id), t.kind == "Task", t.waits_entry == 0, _entry_closed)
    .values(_WAITING_FOR_ENTRY)
)
_upstreams_of = Statement(select(e.upstream_id).where(e.downstream_id == bindparam("id")))


_inner = Statement(
    select(t.workflow_instance_id, *COLUMNS).where(among(t.workflow_instance_id), visible).order_by(t.id)
)
_dry = exists().where(task.c.id == t.task_id, task.c.env == t.env, task.c.recurrence == "Skip")
_unpause = Statement(
    update(task_instance)
    .where(among(t.id), or_(*(t.recurrence == paused for paused in PAUSED)))
    .values(recurrence=case((_dry, "Skip"), else_="Normal"), immediate=case((_dry, 1), else_=t.immediate))
)
_before = workflow_instance.alias("gate")
_gates = Statement(
    select(w.id, w.task_instance_id, t.status, t.held, _before.c.id)
    .select_from(
        workflow_instance.join(task_instance, t.id == w.task_instance_id)
        .outerjoin(instance_edge, (e.downstream_id == t.id) & (e.type == "Gate") & (e.satisfied == 0))
        .outerjoin(_before, _before.c.task_instance_id == e.upstream_id)
    )
    .where(among(w.id), visible)
)
_lift = Statement(
    update(task_instance).where(among(t.id), t.held == 1).values(held=0, **_lower(literal(1, type_=Integer)))
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What keeps a workflow instance from starting: a hold, or the workflow instance of an earlier date."""

    representative_id: int
    status: str
    held: bool
    gate: int | None


def as_instances(rows: Iterable[Sequence[Any]]) -> list[Instance]:
    """From rows of `COLUMNS`."""
    return [Instance(*row) for row in rows]


def load(db: Connection, ids: Iterable[int]) -> list[Instance]:
    """The instances of these ids, in id order; unknown ids are left out."""
    return as_instances(_load(db, ids=as_ids(ids)))


def existing(db: Connection, ids: Iterable[int]) -> list[Instance]:
    """The same without those that an operation in progress has made."""
    return as_instances(_existing(db, ids=as_ids(ids)))


def ready(db: Connection, now: int, limit: int) -> list[Instance]:
    """Up to `limit` instances whose upstreams are done and whose time has come, earliest due first."""
    return as_instances(_ready(db, now=now, limit=limit))


def next_due(db: Connection, now: int) -> Rows:
    """When the next instance comes due that waits for nothing but its time; NULL for none. May be read later."""
    return _next_due(db, now=now)


@dataclass(frozen=True, slots=True)
class Counters:
    """A representative's: `unfinished` inner instances are not Success, `failed` ones are Failure or frozen.

    `started_time` is None until its entry has opened.
    """

    id: int
    status: str
    unfinished: int
    failed: int
    started_time: int | None


Counted = Callable[[], dict[int, Counters]]
"""Reads what the database was asked for: later, so that it is asked for more before anybody waits."""


def save(db: Connection, now: int, instances: Sequence[Instance], changes: Sequence[Change]) -> Counted:
    """Write the moved instances and their history; gives the representatives whose counters changed."""
    if instances:
        _save(db, [_saved_of(item) for item in instances], now=now)
    _event.many(db, [_line(change, now) for change in changes])
    counts: dict[int, tuple[int, int]] = {}
    for change in changes:
        if change.kind == "Task" and (change.unfinished or change.failed):
            unfinished, failed = counts.get(change.representative_id, (0, 0))
            counts[change.representative_id] = (unfinished + change.unfinished, failed + change.failed)
    if not counts:
        return dict
    changed = _count(db, rows=as_rows([(id, *numbers) for id, numbers in counts.items()]))
    return lambda: {row[0]: Counters(*row) for row in changed}


def counters(db: Connection, ids: Iterable[int]) -> dict[int, Counters]:
    return {row[0]: Counters(*row) for row in _counters(db, ids=as_ids(ids))}


def _line(change: Change, now: int) -> dict[str, Any]:
    return {
        "instance_id": change.id,
        "run_number": change.run_number,
        "from_status": change.from_status,
        "to_status": change.to_status,
        "cause": change.event,
        "time": now,
        "user": change.user,
        "detail": change.detail,
    }


def _tally(ids: Iterable[int]) -> str:
    numbers: dict[int, int] = {}
    for id in ids:
        numbers[id] = numbers.get(id, 0) + 1
    return as_rows(numbers.items())


def satisfy(db: Connection, now: int, upstream_ids: Iterable[int]) -> None:
    """Lower the pending upstreams of all that waited for these; an edge counts once however often this is said."""
    downstream = [row[0] for row in _satisfy(db, ids=as_ids(upstream_ids))]
    if downstream:
        _release(db, now=now, rows=_tally(downstream))


def satisfy_merges(db: Connection, now: int, upstream_ids: Iterable[int]) -> None:
    """The same for merges alone: they wait for the end of their upstreams, whatever it is."""
    downstream = [row[0] for row in _satisfy_merges(db, ids=as_ids(upstream_ids))]
    if downstream:
        _release(db, now=now, rows=_tally(downstream))


def open_entry(db: Connection, now: int, representative_ids: Iterable[int]) -> None:
    """Let the inner instances of these workflow instances go."""
    _open_entry(db, now=now, ids=as_ids(representative_ids))


def unsatisfy(db: Connection, upstream_ids: Iterable[int]) -> list[int]:
    """Hold back what has not begun below these upstreams; returns the ids of those held back."""
    downstream = [row[0] for row in _reopen(db, ids=as_ids(upstream_ids))]
    if downstream:
        _raise(db, rows=_tally(downstream))
    return sorted(set(downstream))


def recheck(db: Connection, ids: Iterable[int]) -> None:
    """Let these instances, sent back to NotRun, wait again for those of their upstreams that are not Success now.

    They wait for an entry that is still closed, too: an upstream that was set successful before it opened does not let
    them go.
    """
    _keep_entry(db, ids=as_ids(ids))
    downstream = [row[0] for row in _recheck(db, ids=as_ids(ids))]
    if downstream:
        _raise(db, rows=_tally(downstream))


def pass_entry(db: Connection, ids: Collection[int]) -> None:
    """Before these instances count as successful: let those after them wait for an entry that is still closed."""
    _pass_entry(db, ids=as_ids(ids))


def upstreams_of(db: Connection, id: int) -> set[int]:
    return set(_upstreams_of(db, id=id).scalars())


def cut(db: Connection, now: int, id: int, upstream_ids: Collection[int]) -> None:
    """Take these edges away; a closed entry of the workflow instance is waited for directly from then on."""
    _keep_entry(db, ids=as_ids([id]))
    gone = _cut(db, id=id, ids=as_ids(upstream_ids))
    pending = sum(1 for _, satisfied in gone if not satisfied)
    if pending:
        _release(db, now=now, rows=as_rows([(id, pending)]))


def not_begun(db: Connection, env: str, task_ids: Iterable[int]) -> list[int]:
    """The instances of these tasks that have not begun, and are not undeployed; one that waits for its retry has."""
    return list(_not_begun_of(db, env=env, ids=as_ids(task_ids)).scalars())


def make_dry(db: Connection, ids: Iterable[int]) -> None:
    """Let these instances end without executing when their turn comes."""
    _make_dry(db, ids=as_ids(ids))


def inner(db: Connection, workflow_instance_ids: Iterable[int]) -> dict[int, list[Instance]]:
    """Workflow instance: all its task instances, its representative among them."""
    found: dict[int, list[Instance]] = {}
    for row in _inner(db, ids=as_ids(workflow_instance_ids)):
        found.setdefault(row[0], []).append(Instance(*row[1:]))
    return found


def unpause(db: Connection, ids: Iterable[int]) -> None:
    """Resume takes a pause off an instance, its task's or its calendar's; where the task is Skip it runs dry."""
    _unpause(db, ids=as_ids(ids))


def gates(db: Connection, workflow_instance_ids: Iterable[int]) -> dict[int, Gate]:
    rows = _gates(db, ids=as_ids(workflow_instance_ids))
    return {row[0]: Gate(row[1], row[2], bool(row[3]), row[4]) for row in rows}


def lift_holds(db: Connection, now: int, representative_ids: Iterable[int]) -> None:
    """Take away the hold of workflow instances that wait to be started by hand."""
    _lift(db, now=now, ids=as_ids(representative_ids))
