"""The statements behind replacing a day's instances of one workflow by those of a new version."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, or_, select, union, update

from tidemill.store.statements import BigInteger, Statement, String, among, as_ids, as_rows, given, is_of
from tidemill.store.tables import dependency, event, instance_edge, tag, task_instance, workflow_instance

t = task_instance.c
w = workflow_instance.c
e = instance_edge.c
d = dependency.c
_env = bindparam("env", type_=String)


@dataclass(frozen=True, slots=True)
class Container:
    """A periodic workflow instance; `opened` once its tasks may begin."""

    id: int
    representative_id: int
    trigger_time: int
    opened: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A task instance in one of them."""

    id: int
    container_id: int
    task_id: int
    task_version: int
    trigger_time: int
    status: str
    begun: bool


_containers = Statement(
    select(w.id, w.task_instance_id, w.trigger_time, case((t.started_time.is_(None), 0), else_=1))
    .join_from(workflow_instance, task_instance, t.id == w.task_instance_id)
    .where(
        w.workflow_id == bindparam("workflow_id"),
        w.env == _env,
        w.origin == 0,
        w.bizdate == bindparam("bizdate", type_=String),
    )
)
_begun = case(
    (
        and_(t.status == "NotRun", t.finished_time.is_(None), t.run_number == 0, t.retries_used + t.lost_runs == 0),
        0,
    ),
    else_=1,
)
_members = Statement(
    select(t.id, t.workflow_instance_id, t.task_id, t.task_version, t.trigger_time, t.status, _begun).where(
        among(t.workflow_instance_id), t.kind == "Task"
    )
)
_delete_edges = Statement(delete(instance_edge).where(or_(among(e.downstream_id), among(e.upstream_id, "same"))))
_delete_inner = Statement(
    delete(instance_edge).where(
        e.type == "Normal",
        among(e.downstream_id),
        e.upstream_id.in_(select(t.id).where(among(t.workflow_instance_id, "containers"), t.kind == "Task")),
    )
)
_delete_instances = Statement(delete(task_instance).where(among(t.id)))
_delete_tags = Statement(delete(tag).where(tag.c.object_kind == "WorkflowInstance", among(tag.c.object_id)))
_delete_containers = Statement(delete(workflow_instance).where(among(w.id)))

_RENEWED = (
    ("task_version", BigInteger), ("period_number", BigInteger), ("recurrence", String), ("immediate", BigInteger),
    ("waits_entry", BigInteger), ("rerun_mode", String), ("rerun_times", BigInteger), ("rerun_interval", BigInteger),
    ("timeout", BigInteger), ("resource_group_id", String), ("priority", BigInteger), ("parameters", String),
    ("data_source", String), ("control", String), ("max_parallel", BigInteger), ("signalled_time", BigInteger),
    ("modify_time", BigInteger),
)  # fmt: skip
_renewed = given("rows", ("id", BigInteger), *_RENEWED)
_renew = Statement(
    update(task_instance)
    .where(t.id == _renewed.c.id, is_of(t.id))
    .values({name: _renewed.c[name] for name, _ in _RENEWED})
)
_name_containers = Statement(
    update(workflow_instance)
    .where(among(w.id))
    .values(
        workflow_version=bindparam("new_version", type_=BigInteger),
        name=bindparam("new_name", type_=String),
        owner=bindparam("new_owner", type_=String),
    )
)
_version_representatives = Statement(
    update(task_instance).where(among(t.id)).values(task_version=bindparam("new_version", type_=BigInteger))
)
_inside = task_instance.alias("inside")


def _number(condition: Any) -> Any:
    return (
        select(func.count())
        .select_from(_inside)
        .where(_inside.c.workflow_instance_id == t.workflow_instance_id, _inside.c.kind == "Task", condition)
        .scalar_subquery()
    )


_recount = Statement(
    update(task_instance)
    .where(among(t.id))
    .values(
        unfinished=_number(_inside.c.status != "Success"),
        failed=_number(and_(_inside.c.status != "Success", or_(_inside.c.status == "Failure", _inside.c.frozen == 1))),
    )
)
_event = Statement(insert(event).values({c.name: bindparam(c.name) for c in event.c if c.name != "id"}))

_parent = dependency.alias("parent")
_waiting = task_instance.alias("waiting")
_dependants = Statement(
    union(
        select(d.downstream_id).where(d.env == _env, among(d.upstream_id)),
        select(_parent.c.downstream_id)
        .join_from(_parent, dependency, (_parent.c.downstream_id == d.upstream_id) & (_parent.c.env == d.env))
        .where(
            d.env == _env,
            among(d.downstream_id, "same"),
            d.type == "Normal",
            _parent.c.type == "CrossCycleDependsOnChildren",
        ),
        select(_waiting.c.task_id)
        .join_from(instance_edge, task_instance, t.id == e.upstream_id)
        .join(_waiting, _waiting.c.id == e.downstream_id)
        .where(among(t.id, "instances"), e.type != "Gate", _waiting.c.origin == 0),
    )
)


def containers(db: Connection, env: str, workflow_id: int, bizdate: str) -> list[Container]:
    """The periodic workflow instances of a business date."""
    rows = _containers(db, env=env, workflow_id=workflow_id, bizdate=bizdate)
    return [Container(*row[:3], opened=bool(row[3])) for row in rows]


def members(db: Connection, container_ids: Iterable[int]) -> list[Member]:
    return [Member(*row[:6], begun=bool(row[6])) for row in _members(db, ids=as_ids(container_ids))]


def remove(db: Connection, ids: Collection[int]) -> None:
    """Delete instances with their edges."""
    if ids:
        listed = as_ids(ids)
        _delete_edges(db, ids=listed, same=listed)
        _delete_instances(db, ids=listed)


def remove_containers(db: Connection, gone: Sequence[Container]) -> None:
    """Delete workflow instances that hold nothing any more, with the instances that represent them."""
    remove(db, [item.representative_id for item in gone])
    if gone:
        ids = as_ids(item.id for item in gone)
        _delete_tags(db, ids=ids)
        _delete_containers(db, ids=ids)


def renew(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let instances take what the rows of these ids say."""
    if rows:
        _renew(db, rows=as_rows([(row["id"], *(row[name] for name, _ in _RENEWED)) for row in rows]))


def rename(db: Connection, kept: Sequence[Container], version: int, name: str, owner: str) -> None:
    """Let workflow instances show another version of their workflow."""
    if kept:
        _name_containers(db, ids=as_ids(item.id for item in kept), new_version=version, new_name=name, new_owner=owner)
        _version_representatives(db, ids=as_ids(item.representative_id for item in kept), new_version=version)


def cut_inside(db: Connection, ids: Collection[int], container_ids: Collection[int]) -> None:
    """Delete the edges that lead to these instances from others of their workflow instances."""
    if ids:
        _delete_inner(db, ids=as_ids(ids), containers=as_ids(container_ids))


def recount(db: Connection, representative_ids: Collection[int]) -> None:
    """Count anew what is unfinished and failed in these workflow instances."""
    if representative_ids:
        _recount(db, ids=as_ids(representative_ids))


def dependants(db: Connection, env: str, nodes: Collection[int], instances: Collection[int]) -> set[int]:
    """All nodes whose edges may change with those of `nodes`, by what they declare or by edges to `instances`."""
    listed = as_ids(nodes)
    return set(_dependants(db, env=env, ids=listed, same=listed, instances=as_ids(instances)).scalars())


def note(db: Connection, now: int, user: str, ids: Iterable[int], detail: str) -> None:
    """Record that these instances were replaced."""
    _event.many(
        db,
        [
            {
                "instance_id": id, "run_number": 0, "from_status": "NotRun", "to_status": "NotRun",
                "cause": "replaced", "time": now, "user": user, "detail": detail,
            }
            for id in ids
        ],
    )  # fmt: skip
