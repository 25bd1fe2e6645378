"""Scheduling calendars: one row each, its projects, its immutable versions, and the workflows that use it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, or_, select, update

from tidemill.domain.calendar import Calendar, CalendarDefinition, stored_calendar
from tidemill.store.pages import AnyRow, Page, contains, page
from tidemill.store.statements import BigInteger, Statement, among, as_ids, bindparam
from tidemill.store.tables import calendar, calendar_project, calendar_version, project_member, workflow

c = calendar.c
v = calendar_version.c
w = workflow.c
cp = calendar_project.c


@dataclass(frozen=True, slots=True)
class CalendarAt:
    """A calendar at a version; `modify_time` is when the version was made, epoch ms."""

    id: int
    name: str
    version: int
    modify_time: int
    definition: CalendarDefinition


@dataclass(frozen=True, slots=True)
class CalendarFilter:
    """What ListCalendars filters by; None means any. Without a project, what this account may see."""

    account_id: str
    project_id: int | None = None
    name: str | None = None
    owner: str | None = None


class User(NamedTuple):
    """A workflow whose trigger names a calendar."""

    id: int
    env: str
    project_id: int
    name: str


_versions = select(c.id, c.name, v.version, v.create_time.label("modify_time"), v.definition).join_from(
    calendar, calendar_version, v.calendar_id == c.id
)
_current = _versions.where(v.version == c.version)
_first = calendar_version.alias("first")
_in_force = select(func.max(_first.c.version)).where(
    _first.c.calendar_id == v.calendar_id,
    or_(_first.c.create_time < bindparam("moment", type_=BigInteger), _first.c.version == 1),
)
_load = Statement(
    select(v.calendar_id, v.definition).where(among(v.calendar_id), v.version == _in_force.scalar_subquery())
)


def load(db: Connection, ids: Collection[int], moment: int) -> dict[int, Calendar]:
    """The calendars of these ids, deleted ones too, as they were in force at a moment (epoch ms)."""
    if not ids:
        return {}
    return {id: stored_calendar(text) for id, text in _load(db, ids=as_ids(set(ids)), moment=moment)}


def find(db: Connection, id: int) -> CalendarAt | None:
    row = db.execute(_current.where(c.id == id)).one_or_none()
    return None if row is None else _at(row)


def id_of(db: Connection, name: str) -> int | None:
    return db.execute(select(c.id).where(c.name == name)).scalar()


def count(db: Connection) -> int:
    return db.execute(select(func.count()).select_from(calendar)).scalar_one()


def list_(db: Connection, wanted: CalendarFilter, order: Page) -> tuple[list[CalendarAt], int]:
    conditions = [_applies(wanted.project_id) if wanted.project_id is not None else _visible(wanted.account_id)]
    if wanted.name:
        conditions.append(contains(c.name, wanted.name))
    if wanted.owner:
        conditions.append(c.owner == wanted.owner)
    rows, total = page(db, _current.where(*conditions), order)
    return [_at(row) for row in rows], total


def versions(db: Connection, id: int, number: int, size: int) -> tuple[list[CalendarAt], int]:
    """A page of a calendar's versions, newest first, and how many there are."""
    rows, total = page(db, _versions.where(c.id == id), Page(number, size, "version"))
    return [_at(row) for row in rows], total


def applies(db: Connection, id: int, project_id: int) -> bool:
    """Whether there is such a calendar and workflows of this project may use it."""
    return db.execute(select(c.id).where(c.id == id, _applies(project_id))).one_or_none() is not None


def users(db: Connection, id: int) -> list[User]:
    """The workflows, of any environment, whose current trigger names the calendar, in id order."""
    rows = db.execute(select(w.id, w.env, w.project_id, w.name).where(w.calendar_id == id).order_by(w.id, w.env))
    return [User(*row) for row in rows]


def add(db: Connection, id: int, name: str, definition: CalendarDefinition, now: int, user: str) -> None:
    """A new calendar at version 1."""
    authors = {"create_time": now, "create_user": user, "modify_time": now, "modify_user": user}
    db.execute(insert(calendar).values(id=id, version=1, name=name, **_columns(definition), **authors))
    _add_version(db, id, 1, definition, now, user)


def change(db: Connection, id: int, version: int, definition: CalendarDefinition, now: int, user: str) -> None:
    """Make this version the current one; the earlier ones stay."""
    changed = {"version": version, "modify_time": now, "modify_user": user, **_columns(definition)}
    db.execute(update(calendar).where(c.id == id).values(**changed))
    db.execute(delete(calendar_project).where(cp.calendar_id == id))
    _add_version(db, id, version, definition, now, user)


def remove(db: Connection, id: int) -> None:
    """Take away a calendar. Its versions stay: versions of workflows that name it may still be planned from."""
    db.execute(delete(calendar_project).where(cp.calendar_id == id))
    db.execute(delete(calendar).where(c.id == id))


def _at(row: AnyRow) -> CalendarAt:
    definition = CalendarDefinition.model_validate_json(row.definition)
    return CalendarAt(row.id, row.name, row.version, row.modify_time, definition)


def _applies(project_id: int) -> ColumnElement[bool]:
    return or_(c.all_projects == 1, exists().where(cp.calendar_id == c.id, cp.project_id == project_id))


def _visible(account_id: str) -> ColumnElement[bool]:
    m = project_member.c
    mine = exists().where(cp.calendar_id == c.id, cp.project_id == m.project_id, m.account_id == account_id)
    return or_(c.all_projects == 1, mine)


def _columns(definition: CalendarDefinition) -> dict[str, Any]:
    return {"owner": definition.owner, "all_projects": int(bool(definition.all_projects))}


def _add_version(db: Connection, id: int, version: int, definition: CalendarDefinition, now: int, user: str) -> None:
    text = definition.model_dump_json(by_alias=True, exclude_none=True)
    db.execute(
        insert(calendar_version).values(
            calendar_id=id, version=version, definition=text, create_time=now, create_user=user
        )
    )
    _add_projects(db, id, definition.project_ids)


def _add_projects(db: Connection, id: int, project_ids: Collection[int]) -> None:
    if project_ids:
        rows = [{"calendar_id": id, "project_id": project_id} for project_id in project_ids]
        db.execute(insert(calendar_project), rows)
