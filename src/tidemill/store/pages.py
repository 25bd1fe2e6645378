"""One page of a list: rows in a stable order, and the exact total."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, String, and_, exists, func, or_, select

from tidemill.store.tables import tag

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Page:
    """`number` from 1; `sort` is a column's name of the statement, rows of equal value are in id order."""

    number: int
    size: int
    sort: str = "id"
    descending: bool = True


def page(db: Connection, statement: Select[*tuple[Any, ...]], wanted: Page) -> tuple[list[AnyRow], int]:
    """The rows of the page and how many there are on all pages."""
    total = db.execute(select(func.count()).select_from(statement.order_by(None).subquery())).scalar_one()
    columns = statement.selected_columns
    order = [_sortable(db, columns[wanted.sort]), columns["id"]]
    ordered = statement.order_by(*(column.desc() if wanted.descending else column.asc() for column in order))
    rows = db.execute(ordered.limit(wanted.size).offset((wanted.number - 1) * wanted.size)).all()
    return list(rows), total


def _sortable(db: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Texts in the order of their code points on both databases; PostgreSQL would follow its locale."""
    return column.collate("C") if isinstance(column.type, String) and db.dialect.name == "postgresql" else column


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """A fuzzy match without regard to case; `%` and `_` stand for themselves."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(column, type_=String).like(f"%{escaped}%", escape="\\")


def tagged(kind: str, id: ColumnElement[int], env: ColumnElement[str], tags: tuple[str, ...]) -> ColumnElement[bool]:
    """Whether an object has any of these tags, each `key` or `key:value` (decision 22)."""
    t = tag.c
    matches: list[ColumnElement[bool]] = []
    for text in tags:
        key, colon, value = text.partition(":")
        matches.append(and_(t.key == key, t.value == value) if colon else t.key == key)
    return exists(select(1).where(t.object_kind == kind, t.object_id == id, t.env == env, or_(*matches)))


def tags_of(db: Connection, kind: str, env: str | None, ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    """id: its tags, in key order."""
    t = tag.c
    statement = select(t.object_id, t.key, t.value).where(t.object_kind == kind, t.object_id.in_(ids)).order_by(t.key)
    if env is not None:
        statement = statement.where(t.env == env)
    found: dict[int, list[tuple[str, str]]] = {}
    for id, key, value in db.execute(statement):
        found.setdefault(id, []).append((key, value))
    return found
