"""What periodic planning reads and keeps: the zones in use, the dates planned, and which versions were in force."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union

from tidemill.store.statements import BigInteger, Statement, String, among, as_ids, bindparam, insert_many
from tidemill.store.tables import planned_date, project, workflow, workflow_version

w = workflow.c
v = workflow_version.c
p = project.c
d = planned_date.c

ENV = "Prod"  # the clock plans nothing else (decision 12)


@dataclass(frozen=True, slots=True)
class InForce:
    """A workflow at the version that was in force at a moment."""

    workflow_id: int
    version: int
    project_id: int


_zone = func.coalesce(w.time_zone, p.time_zone)
_zones = Statement(
    union(
        select(p.time_zone).where(p.status == "Available"),
        select(w.time_zone).where(w.env == ENV, w.time_zone.is_not(None)),
    )
)
_last = Statement(select(func.max(d.run_date)).where(d.time_zone == bindparam("zone", type_=String)))
_latest = (
    select(v.workflow_id, func.max(v.version).label("version"))
    .where(v.env == ENV, v.create_time < bindparam("cutoff", type_=BigInteger))
    .group_by(v.workflow_id)
    .subquery("latest")
)
_in_force = Statement(
    select(w.id, _latest.c.version, w.project_id)
    .join_from(workflow, project, p.id == w.project_id)
    .join(_latest, _latest.c.workflow_id == w.id)
    .where(w.env == ENV, p.status == "Available", _zone == bindparam("zone", type_=String))
    .order_by(w.id)
)
_current = Statement(select(w.id, w.version).where(w.env == bindparam("env", type_=String), among(w.id)))
_projects = Statement(select(p.id, p.name, p.time_zone))


def zones(db: Connection) -> list[str]:
    """The scheduling zones of all projects and triggers."""
    return sorted(_zones(db).scalars())


def last_planned(db: Connection, zone: str) -> str | None:
    """The latest run date that was planned, or skipped, in a zone."""
    return _last(db, zone=zone).scalar()


def in_force(db: Connection, zone: str, cutoff: int) -> list[InForce]:
    """The workflows of a zone that there are now, each at its latest version from before `cutoff` (epoch ms)."""
    return [InForce(*row) for row in _in_force(db, zone=zone, cutoff=cutoff)]


def note_planned(db: Connection, zone: str, run_date: str, operation_id: int | None, now: int) -> None:
    """Record that a run date is planned by an operation; without one, that it was missed and is left out."""
    row = {"time_zone": zone, "run_date": run_date, "operation_id": operation_id, "time": now}
    insert_many(db, planned_date, [row])


def projects(db: Connection) -> dict[int, tuple[str, str]]:
    """Project: its name and time zone."""
    return {row[0]: (row[1], row[2]) for row in _projects(db)}


def current_versions(db: Connection, env: str, ids: Iterable[int]) -> dict[int, int]:
    """The version of each of these workflows that is in place now; deleted ones are left out."""
    return {row[0]: row[1] for row in _current(db, env=env, ids=as_ids(ids))}
