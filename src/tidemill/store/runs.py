"""Runs: one row for each execution that began, with its lease, its log and how it ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union_all,
)  # fmt: skip

from tidemill.domain.control.kinds import CYCLE, LOOPS, TRAVERSE
from tidemill.domain.definitions import Task
from tidemill.domain.instance import Instance
from tidemill.domain.python_start import PYTHON_TAG, python_start
from tidemill.domain.variables import Value, inputs_from_json
from tidemill.runners.contract import PythonStart, Result
from tidemill.store.instances import COLUMNS, as_instances
from tidemill.store.statements import (
    BigInteger,
    Integer,
    Rows,
    Statement,
    UpdateMany,
    among,
    as_ids,
    bindparam,
    given_ids,
)
from tidemill.store.tables import LIMITED, QUEUED, RUNNING, resource_group, run, runner, task_instance, task_version

r = run.c
t = task_instance.c

_is_executed = or_(
    t.control.is_(None), and_(t.control != TRAVERSE, t.control != CYCLE)
)  # a loop runs without a runner and a slot

_finish = UpdateMany(
    run,
    [("instance_id", BigInteger), ("run_number", BigInteger)],
    [
        ("finished_time", BigInteger),
        ("status", String),
        ("outcome", String),
        ("exit_code", BigInteger),
        ("process_id", BigInteger),
        ("message", String),
    ],
)
_BEGIN = ("instance_id", "run_number", "runner", "boot", "log", "wait_trigger_time", "wait_resource_time",
          "started_time", "inputs")  # fmt: skip
_begin = Statement(insert(run).values({name: bindparam(name) for name in _BEGIN}))

# A loop has no process: it ends with its turns.
_stops = Statement(
    select(t.id, t.run_number).where(
        text(RUNNING),
        t.stop_requested.is_not(None),
        or_(t.control.is_(None), and_(*(t.control != name for name in sorted(LOOPS)))),
    )
)


_runless = Statement(
    insert(run).from_select(
        ["instance_id", "run_number", "runner", "boot", "started_time", "finished_time", "status", "outcome"],
        select(t.id, t.run_number, literal(""), literal(""), t.started_time, t.finished_time, t.status, literal("wave"))
        .where(among(t.id), t.run_number > 0, t.finished_time.is_not(None), t.started_time.is_not(None))
        .where(~exists(select(1).where(r.instance_id == t.id, r.run_number == t.run_number))),
    )
)


def keep_runless(db: Connection, ids: Iterable[int]) -> None:
    """Give ended dry runs a row of their own before the next run: waves write none, because most never need it."""
    _runless(db, ids=as_ids(ids))


def begin(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert runs that begin; each row has every name in the table's first part."""
    _begin.many(db, rows)


def finish(db: Connection, ended: Iterable[tuple[Result, str]]) -> None:
    """Write how runs ended, each with the status it gives its run."""
    _finish(
        db,
        [
            (a.instance, a.run_number, a.ended, status, a.outcome, a.exit_code, a.process_id, a.message)
            for a, status in ended
        ],
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What a dispatched instance is to execute; `parameters` is the instance's resolved values, as JSON."""

    id: int
    task_type: str
    script: str
    timeout: int
    parameters: str
    bizdate: str
    trigger_time: int
    tagged: str | None  # its definition, if that may have the tag of domain/python_start

    @property
    def python(self) -> PythonStart | None:
        """How its script starts, if it is in Python and the task says so."""
        return None if self.tagged is None else python_start(Task.model_validate_json(self.tagged).tags)


_orders = Statement(
    select(
        t.id,
        task_version.c.type,
        func.coalesce(task_version.c.script, ""),
        t.timeout,
        t.parameters,
        t.bizdate,
        t.trigger_time,
        case((task_version.c.definition.contains(f'"{PYTHON_TAG}"'), task_version.c.definition)),
    )
    .join_from(
        task_instance,
        task_version,
        (task_version.c.task_id == t.task_id)
        & (task_version.c.env == t.env)
        & (task_version.c.version == t.task_version),
    )
    .where(among(t.id))
)
_busy = (
    select(literal("busy"), t.resource_group_id, func.count())
    .where(text(RUNNING), _is_executed)
    .group_by(t.resource_group_id)
)
_first_group = select(func.min(t.resource_group_id).label("id")).where(text(QUEUED)).cte("queued", recursive=True)
_queued_groups = _first_group.union_all(  # from one to the next by the index, however many wait in each
    select(
        select(func.min(t.resource_group_id))
        .where(text(QUEUED), t.resource_group_id > _first_group.c.id)
        .scalar_subquery()
    ).where(_first_group.c.id.is_not(None))
)
_QUEUE_ORDER = (t.priority.desc(), t.late, t.weight.desc(), t.trigger_time, t.id)  # scheduling-semantics 6.7
_limited = (
    select(
        t.id,
        t.env,
        t.task_id,
        t.max_parallel,
        func.row_number().over(partition_by=(t.env, t.task_id), order_by=_QUEUE_ORDER).label("place"),
    )
    .where(text(LIMITED), t.frozen == 0)
    .subquery("limited")
)
_busy_tasks = (
    select(t.env, t.task_id, func.count().label("number"))
    .where(text(RUNNING))
    .group_by(t.env, t.task_id)
    .subquery("busy_tasks")
)
_beyond_limit = (
    select(literal("beyond"), cast(_limited.c.id, String), literal(0))
    .select_from(
        _limited.outerjoin(
            _busy_tasks, (_busy_tasks.c.env == _limited.c.env) & (_busy_tasks.c.task_id == _limited.c.task_id)
        )
    )
    .where(_limited.c.place + func.coalesce(_busy_tasks.c.number, 0) > _limited.c.max_parallel)
)
_pick = Statement(
    select(*COLUMNS)
    .where(text(QUEUED), t.resource_group_id == bindparam("group_id"), t.frozen == 0, t.id.not_in(given_ids("beyond")))
    .order_by(*_QUEUE_ORDER)
    .limit(bindparam("room", type_=Integer))
)
_inputs = Statement(
    select(t.id, r.inputs)
    .join_from(task_instance, run, (r.instance_id == t.id) & (r.run_number == t.run_number))
    .where(among(t.id), r.inputs.is_not(None))
)
_standing = Statement(
    union_all(
        select(literal("slots"), resource_group.c.id, resource_group.c.slots),
        _busy,
        _beyond_limit,
        select(literal("queued"), _queued_groups.c.id, literal(0)).where(_queued_groups.c.id.is_not(None)),
    )
)
_now_running = select(t.id, t.run_number).where(text(RUNNING), _is_executed).subquery("now_running")
_running_on = select(_now_running.c.id, _now_running.c.run_number, r.boot, r.runner).join_from(
    _now_running, run, (r.instance_id == _now_running.c.id) & (r.run_number == _now_running.c.run_number)
)
_running = Statement(_running_on)
_running_here = Statement(_running_on.where(r.runner == bindparam("runner", type_=String)))
_lost = Statement(
    _running_on.outerjoin(runner, runner.c.name == r.runner).where(
        r.runner != "",  # what the scheduler itself settles has no runner
        or_(
            runner.c.lease_until <= bindparam("ended", type_=BigInteger),
            and_(runner.c.name.is_(None), r.started_time <= bindparam("started", type_=BigInteger)),
        ),
    )
)
_loads = Statement(
    select(r.runner, func.count())
    .join_from(_now_running, run, (r.instance_id == _now_running.c.id) & (r.run_number == _now_running.c.run_number))
    .group_by(r.runner)
)


def pick(db: Connection, default_slots: int) -> list[Instance]:
    """Queued instances for which there is room, each group's in the order of scheduling-semantics 6.7.

    A resource group that nobody made has `default_slots`. Those of a task with MaxParallelInstances leave the rest of
    its queue behind, whatever room there is.
    """
    said: dict[str, dict[str, int]] = {"slots": {}, "busy": {}, "beyond": {}, "queued": {}}
    for what, name, number in _standing(db):
        said[what][name] = number
    beyond = as_ids(map(int, said["beyond"]))
    chosen: list[Rows] = []
    for group in sorted(said["queued"]):
        room = said["slots"].get(group, default_slots) - said["busy"].get(group, 0)
        if room > 0:
            chosen.append(_pick(db, group_id=group, room=room, beyond=beyond))
    return [instance for rows in chosen for instance in as_instances(rows)]


def orders(db: Connection, ids: Iterable[int]) -> list[Order]:
    return [Order(*row) for row in _orders(db, ids=as_ids(ids))]


def running(db: Connection, runner: str | None) -> list[tuple[int, int, str]]:
    """(instance, run number, boot id) of every run that the database calls Running; of one runner, if it is named."""
    rows = _running(db) if runner is None else _running_here(db, runner=runner)
    return [(instance, run_number, boot) for instance, run_number, boot, _ in rows]


def lost(db: Connection, now: int, grace: int, unknown_after: int) -> list[tuple[int, int, str]]:
    """(instance, run number, runner) of the runs whose runner's lease ended `grace` ms before `now`.

    A runner that nobody ever registered is given `unknown_after` ms from the start of the run.
    """
    return [(row[0], row[1], row[3]) for row in _lost(db, ended=now - grace, started=now - unknown_after)]


def loads(db: Connection) -> dict[str, int]:
    """Runner: how many runs it has."""
    return {row[0]: row[1] for row in _loads(db)}


def inputs(db: Connection, ids: Iterable[int]) -> dict[int, dict[str, Value]]:
    """Instance: the input variables that its latest run was given, of those that have any."""
    return {row[0]: inputs_from_json(row[1]) for row in _inputs(db, ids=as_ids(ids))}


def to_stop(db: Connection) -> list[tuple[int, int]]:
    """(instance, run number) of the runs that an operator wants ended."""
    return [(instance, run_number) for instance, run_number in _stops(db)]
