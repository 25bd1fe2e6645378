"""Statements on sets that read the same on both databases and are compiled once.

`given` turns a list of tuples into a table inside a statement (JSON on both databases), so that one statement changes a
thousand rows. `Statement` compiles on first use and afterwards hands the driver plain text: the hot path pays neither
for building SQL nor for describing results.
"""

import json
from binascii import crc32
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, overload

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Dialect,
    Executable,
    Integer,
    String,
    Subquery,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import Compiled
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine

Column = tuple[str, type[TypeEngine[Any]]]


class _Rows(GenericFunction[Any]):
    """A JSON array as rows with one column `value`."""

    name = "given_rows"
    inherit_cache = True


class _Cell(ColumnElement[Any]):
    """Member `index` of the JSON array in `value`, as `type`."""

    inherit_cache = True
    _traverse_internals = []  # noqa: RUF012 - SQLAlchemy's protocol; no parameters of its own are bound

    def __init__(self, index: int, type_: TypeEngine[Any], source: str) -> None:
        self.index = index
        self.type = type_
        self.source = source


@compiles(_Rows, "sqlite")
def _rows_sqlite(element: _Rows, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Rows, "postgresql")
def _rows_postgresql(element: _Rows, compiler: Any, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS jsonb))"


@compiles(_Cell, "sqlite")
def _cell_sqlite(element: _Cell, compiler: Any, **kw: Any) -> str:
    return f"json_extract({element.source}.value, '$[{element.index}]')"


@compiles(_Cell, "postgresql")
def _cell_postgresql(element: _Cell, compiler: Any, **kw: Any) -> str:
    kind = compiler.dialect.type_compiler_instance.process(element.type)
    return f"CAST({element.source}.value ->> {element.index} AS {kind})"


class _Among(ColumnElement[bool]):
    """Whether `column` is the first member of one of the rows in parameter `name`.

    PostgreSQL gets an array, which it looks up in an index: its plans are kept, and one that was made while a table was
    almost empty would read all of it for ever. `again`: what a join says already, said for PostgreSQL alone.
    """

    inherit_cache = False
    _is_implicitly_boolean = True  # else SQLite would be asked whether it is 1, and use no index

    def __init__(self, column: ColumnElement[Any], name: str, *, again: bool) -> None:
        self.type = Boolean()
        self.column = column
        self.name = name
        self.again = again

    @property
    def _from_objects(self) -> Any:
        return self.column._from_objects


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: Any, **kw: Any) -> str:
    return "1" if element.again else compiler.process(element.column.in_(given_ids(element.name)), **kw)


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **kw: Any) -> str:
    column, ids = compiler.process(element.column, **kw), compiler.process(given_ids(element.name), **kw)
    return f"{column} = ANY (ARRAY({ids}))"


def among(column: ColumnElement[Any], name: str = "ids") -> ColumnElement[bool]:
    """Whether it is in a list of ids that the caller binds to `name` with `as_ids`."""
    return _Among(column, name, again=False)


def is_of(column: ColumnElement[Any], name: str = "rows") -> ColumnElement[bool]:
    """For a statement that joins `column` to the first one of `given(name, …)`: so that an index is used for it."""
    return _Among(column, name, again=True)


def given(name: str, *columns: Column) -> Subquery:
    """A table of rows that the caller binds to parameter `name` with `as_rows`."""
    source = _Rows(bindparam(name)).table_valued("value", name=f"{name}_json")
    cells = [_Cell(index, kind(), f"{name}_json").label(column) for index, (column, kind) in enumerate(columns)]
    return select(*cells).select_from(source).subquery(name)


def given_ids(name: str = "ids") -> Any:
    """For `column.not_in(given_ids())` (else `among`): a list of ids that the caller binds to `name` with `as_ids`."""
    return select(given(name, ("id", BigInteger)).c.id)


def as_rows(rows: Iterable[Sequence[Any]]) -> str:
    return json.dumps([list(row) for row in rows], separators=(",", ":"))


def as_ids(ids: Iterable[int]) -> str:
    return "[" + ",".join(f"[{int(id)}]" for id in ids) + "]"


class Statement:
    """An SQL statement whose text is made once for each database. Parameters are given by name, as driver values.

    In a `Pipeline` it is sent and not waited for until its rows are read.
    """

    def __init__(self, element: Executable) -> None:
        self._element = element
        self._texts: dict[str, tuple[str, dict[str, Any]]] = {}

    def _compile(self, dialect: Dialect) -> Compiled:
        return cast(ClauseElement, self._element).compile(dialect=dialect)

    def text(self, db: Connection) -> tuple[str, dict[str, Any]]:
        """The SQL and the values that stand in the statement itself."""
        dialect = db.dialect
        if dialect.name not in self._texts:
            options: dict[str, Any] = {"paramstyle": "named"} if dialect.name == "sqlite" else {}
            compiled = self._compile(type(dialect)(**options))
            parameters = cast(dict[str, Any], compiled.params or {})
            fixed = {key: value for key, value in parameters.items() if value is not None}
            self._texts[dialect.name] = (str(compiled), fixed)
        return self._texts[dialect.name]

    def __call__(self, db: Connection, **parameters: Any) -> "Rows":
        """Run it; its rows, if it has any. Errors are the driver's own."""
        text, fixed = self.text(db)
        driver: Any = db.connection.driver_connection
        rows = Rows(driver.execute(text, {**fixed, **parameters}))
        if db.dialect.name == "sqlite":
            rows.fetch()  # a statement that is half done would see what is written meanwhile
        return rows

    def many(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same statement for each row (executemany); an empty list does nothing."""
        if rows:
            text, fixed = self.text(db)
            driver: Any = db.connection.driver_connection
            driver.cursor().executemany(text, [{**fixed, **row} for row in rows] if fixed else rows)


class UpdateMany:
    """Gives rows, found by the `keys`, `values` of their own: as tuples of both; `also` are parameters all have alike.

    On PostgreSQL that is one statement. On SQLite, which nobody waits for, it is one for each row: to read a value
    from JSON takes longer there than to be given it.
    """

    def __init__(self, table: Table, keys: Sequence[Column], values: Sequence[Column], **also: str) -> None:
        rows = given("rows", *keys, *values)
        self._names = [f"key_{name}" for name, _ in keys] + [name for name, _ in values]
        alike: dict[str, Any] = {column: bindparam(name) for column, name in also.items()}
        self.at_once = Statement(
            update(table)
            .where(*(table.c[name] == rows.c[name] for name, _ in keys), is_of(table.c[keys[0][0]]))
            .values({**{name: rows.c[name] for name, _ in values}, **alike})
        )
        self.one_by_one = Statement(
            update(table)
            .where(*(table.c[name] == bindparam(f"key_{name}") for name, _ in keys))
            .values({**{name: bindparam(name) for name, _ in values}, **alike})
        )

    def __call__(self, db: Connection, rows: Sequence[Sequence[Any]], **also: Any) -> None:
        if db.dialect.name == "sqlite":
            self.one_by_one.many(db, [{**also, **dict(zip(self._names, row, strict=True))} for row in rows])
        elif rows:
            self.at_once(db, rows=as_rows(rows), **also)


class Pipeline:
    """Sends statements to PostgreSQL without waiting for each; entered outside the transaction, so as to commit in it.

    A statement that fails says so where rows are read next, or at the commit. SQLAlchemy knows nothing of it: its own
    statements, and COPY, end the pipeline, and the transaction goes on without one.
    """

    def __init__(self, db: Connection) -> None:
        self._info = db.info
        self._pipeline: Any = cast(Any, db.connection.driver_connection).pipeline()

    def __enter__(self) -> "Pipeline":
        self._pipeline.__enter__()
        self._info["pipeline"] = self
        return self

    def __exit__(self, *error: Any) -> None:
        if self._info.pop("pipeline", None) is self:
            self._pipeline.__exit__(*error)

    @staticmethod
    def leave_for(db: Connection, *_: Any) -> None:
        """For SQLAlchemy's event `before_cursor_execute`."""
        pipeline = db.info.get("pipeline")
        if pipeline is not None:
            pipeline.__exit__(None, None, None)


_COPIED = 100  # as many rows go to PostgreSQL by COPY
_inserts: dict[tuple[str, str, tuple[str, ...], bool], Statement] = {}


def insert_many(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: bool = False) -> None:
    """Add rows, all of the same columns; with `keep`, a row whose key is there already stays as it is."""
    if not rows:
        return
    if db.dialect.name == "postgresql" and len(rows) >= _COPIED:
        _copy(db, table, rows, keep)
        return
    key = (db.dialect.name, table.name, tuple(rows[0]), keep)
    if key not in _inserts:
        dialect: Any = sqlite if db.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(table).values({name: bindparam(name) for name in rows[0]})
        _inserts[key] = Statement(statement.on_conflict_do_nothing() if keep else statement)
    _inserts[key].many(db, rows)


def _copy(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keep: bool) -> None:
    """Many rows by PostgreSQL's COPY, through a temporary table, because COPY cannot leave what is there already."""
    Pipeline.leave_for(db)  # COPY has no place in one
    names = tuple(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    between = f"copied_{table.name}_{crc32(columns.encode())}"
    driver: Any = db.connection.driver_connection
    with driver.cursor() as cursor:
        made = f"CREATE TEMPORARY TABLE IF NOT EXISTS {between} ON COMMIT DROP AS SELECT {columns} FROM {table.name}"
        cursor.execute(f"{made} WHERE false")
        with cursor.copy(f"COPY {between} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
        conflict = "ON CONFLICT DO NOTHING" if keep else ""
        cursor.execute(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {between} {conflict}")
        cursor.execute(f"TRUNCATE {between}")


class Rows(Sequence[tuple[Any, ...]]):
    """The rows of a statement, as the driver gives them; fetched when they are looked at first.

    Who asks for several things before reading the first waits once for all of them, where a `Pipeline` is open.
    """

    __slots__ = ("_cursor", "_rows")

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rows: list[tuple[Any, ...]] | None = None

    def fetch(self) -> list[tuple[Any, ...]]:
        """All of them."""
        if self._rows is None:
            self._rows = self._cursor.fetchall()
        return cast(list[tuple[Any, ...]], self._rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetch())

    def __len__(self) -> int:
        return len(self.fetch())

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[Any, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | list[tuple[Any, ...]]:
        return self.fetch()[index]

    def scalar(self) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.fetch()
        return rows[0][0] if rows else None

    def scalars(self) -> list[Any]:
        """The first column of each row."""
        return [row[0] for row in self.fetch()]

    def one_or_none(self) -> tuple[Any, ...] | None:
        rows = self.fetch()
        return rows[0] if rows else None


__all__ = [
    "BigInteger", "Integer", "Pipeline", "Rows", "Statement", "String", "UpdateMany", "among", "as_ids", "as_rows",
    "bindparam", "given", "given_ids", "insert_many", "is_of",
]  # fmt: skip
