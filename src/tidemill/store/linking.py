"""What edges between instances are made from: links of nodes, their instances of a date, and the edges there are."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, insert, null, select, union_all, update
from sqlalchemy import delete as _sql_delete

from tidemill.domain.instance_edges import Edge
from tidemill.store.statements import BigInteger, Statement, String, among, as_ids, as_rows, bindparam, given, is_of
from tidemill.store.statements import insert_many as _insert_many
from tidemill.store.tables import dependency, event, instance_edge, task, task_instance, workflow

d = dependency.c
t = task_instance.c
e = instance_edge.c
_env = bindparam("env", type_=String)


@dataclass(frozen=True, slots=True)
class Declared:
    """One dependency as it is stored; `upstream` is None for the project's root, oneself and one's children."""

    downstream: int
    type: str
    upstream: int | None


@dataclass(frozen=True, slots=True)
class NodeInstance:
    """An instance of a task or of a workflow as a whole, as far as edges need it; `expired` ones never run."""

    id: int
    node: int
    workflow_instance_id: int
    trigger_time: int
    bizdate: str
    status: str
    begun: bool
    expired: bool


_declared = Statement(
    select(d.downstream_id, d.type, d.upstream_id)
    .where(d.env == _env, among(d.downstream_id))
    .order_by(d.downstream_id, d.ordinal)
)
_children = Statement(
    select(d.downstream_id, d.type, d.upstream_id).where(d.env == _env, among(d.upstream_id), d.type == "Normal")
)
_planned_apart = Statement(
    select(d.downstream_id)
    .join_from(dependency, task_instance, (t.task_id == d.downstream_id) & (t.env == d.env))
    .where(
        d.env == _env,
        among(d.upstream_id),
        d.type == "Normal",
        t.origin == 0,
        t.bizdate == bindparam("bizdate", type_=String),
        t.planning_id != bindparam("planning_id", type_=BigInteger),
    )
    .distinct()
)
_self_dependent = Statement(
    select(d.downstream_id).where(d.env == _env, among(d.downstream_id), d.type == "CrossCycleDependsOnSelf")
)
_crons = Statement(
    union_all(
        select(workflow.c.id, workflow.c.id, workflow.c.cron).where(workflow.c.env == _env, among(workflow.c.id)),
        select(task.c.id, workflow.c.id, workflow.c.cron)
        .join_from(task, workflow, (workflow.c.id == task.c.workflow_id) & (workflow.c.env == task.c.env))
        .where(task.c.env == _env, among(task.c.id)),
    )
)
_begun = case(
    (t.finished_time.is_not(None), 1), (t.status != "NotRun", 1), (t.retries_used + t.lost_runs > 0, 1), else_=0
)
_instances = Statement(
    select(
        t.id,
        t.task_id,
        t.workflow_instance_id,
        t.trigger_time,
        t.bizdate,
        t.status,
        _begun,
        case((t.recurrence == "RealtimeDeprecated", 1), else_=0),
    ).where(
        t.env == _env,
        among(t.task_id),
        t.trigger_time >= bindparam("since", type_=BigInteger),
        t.trigger_time < bindparam("until", type_=BigInteger),
        t.origin == 0,
    )
)
_existing = Statement(
    select(e.downstream_id, e.upstream_id, e.type, t.task_id, t.workflow_instance_id)
    .join_from(instance_edge, task_instance, t.id == e.upstream_id)
    .where(among(e.downstream_id))
)
_cut = given("rows", ("downstream_id", BigInteger), ("upstream_id", BigInteger), ("type", String))
_delete = Statement(
    _sql_delete(instance_edge).where(
        select(_cut.c.type)
        .where(_cut.c.downstream_id == e.downstream_id, _cut.c.upstream_id == e.upstream_id, _cut.c.type == e.type)
        .exists(),
        among(e.downstream_id),
    )
)
_pending = (
    select(func.count()).select_from(instance_edge).where(e.downstream_id == t.id, e.satisfied == 0).scalar_subquery()
)
_recount = Statement(
    update(task_instance).where(among(t.id)).values(pending_upstreams=_pending + t.held + t.waits_entry + t.isolated)
)
_done = Statement(
    update(task_instance)
    .where(among(t.id))
    .values(
        upstreams_done_time=case(
            (t.pending_upstreams > 0, null()),
            (t.upstreams_done_time.is_(None), bindparam("now", type_=BigInteger)),
            else_=t.upstreams_done_time,
        )
    )
)
_isolation = given("rows", ("id", BigInteger), ("isolated", BigInteger))
_isolate = Statement(
    update(task_instance)
    .where(t.id == _isolation.c.id, is_of(t.id))
    .values(
        isolated=_isolation.c.isolated,
        reason=case((_isolation.c.isolated == 1, "Isolated"), (t.reason == "Isolated", null()), else_=t.reason),
    )
)
_event = Statement(insert(event).values({c.name: bindparam(c.name) for c in event.c if c.name != "id"}))


def declared(db: Connection, env: str, ids: Collection[int]) -> list[Declared]:
    """The dependencies of these nodes, as they stand now."""
    return [Declared(*row) for row in _declared(db, env=env, ids=as_ids(ids))]


def children(db: Connection, env: str, ids: Collection[int]) -> list[Declared]:
    """The Normal dependencies on these nodes."""
    return [Declared(*row) for row in _children(db, env=env, ids=as_ids(ids))] if ids else []


def planned_apart(db: Connection, env: str, ids: Collection[int], bizdate: str, planning_id: int) -> list[int]:
    """What depends on these nodes and has instances of the business date that another planning made: other zones'."""
    return sorted(_planned_apart(db, env=env, ids=as_ids(ids), bizdate=bizdate, planning_id=planning_id).scalars())


def self_dependent(db: Connection, env: str, ids: Collection[int]) -> set[int]:
    """Those of these nodes that depend on their own previous cycle."""
    return set(_self_dependent(db, env=env, ids=as_ids(ids)).scalars())


def crons(db: Connection, env: str, ids: Collection[int]) -> dict[int, tuple[int, str | None]]:
    """Node: its workflow, and the expression that it follows; None where that is started by hand."""
    return {row[0]: (row[1], row[2]) for row in _crons(db, env=env, ids=as_ids(ids))}


def instances(db: Connection, env: str, ids: Collection[int], since: int, until: int) -> list[NodeInstance]:
    """Periodic instances of these nodes with trigger times in [since, until), epoch milliseconds."""
    rows = _instances(db, env=env, ids=as_ids(ids), since=since, until=until)
    return [NodeInstance(*row[:6], begun=bool(row[6]), expired=bool(row[7])) for row in rows]


def existing(db: Connection, downstream_ids: Collection[int]) -> list[tuple[Edge, int, int]]:
    """(edge, upstream's node, upstream's workflow instance) of the edges that lead to these instances."""
    rows = _existing(db, ids=as_ids(downstream_ids))
    return [(Edge(*row[:3]), row[3], row[4]) for row in rows]


def add(db: Connection, edges: Iterable[Edge], satisfied: Collection[int]) -> None:
    """Add edges; those from the `satisfied` upstreams are satisfied at once."""
    rows = [{**edge._asdict(), "satisfied": int(edge.upstream_id in satisfied)} for edge in edges]
    _insert_many(db, instance_edge, rows, keep=True)


def delete(db: Connection, edges: Collection[Edge]) -> None:
    if edges:
        _delete(db, rows=as_rows(edges), ids=as_ids({edge.downstream_id for edge in edges}))


def isolate(db: Connection, isolated: Iterable[tuple[int, bool]]) -> None:
    """Say of instances whether they are isolated."""
    _isolate(db, rows=as_rows((id, int(flag)) for id, flag in isolated))


def recount(db: Connection, now: int, ids: Collection[int]) -> None:
    """Count anew what these instances wait for."""
    if ids:
        listed = as_ids(ids)
        _recount(db, ids=listed)
        _done(db, ids=listed, now=now)


def note_absent(db: Connection, now: int, absent: Iterable[tuple[int, int]]) -> None:
    """Record for (instance, upstream node) that the node has no instance in the period and is not waited for."""
    _event.many(
        db,
        [
            {
                "instance_id": id, "run_number": 0, "from_status": "NotRun", "to_status": "NotRun",
                "cause": "upstream absent", "time": now, "user": None,
                "detail": f"{upstream} has no instance in this period",
            }
            for id, upstream in absent
        ],
    )  # fmt: skip
