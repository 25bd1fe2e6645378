"""A whole installation from one database to another, and what proves that all of it arrived."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, text

from tidemill.store.statements import insert_many
from tidemill.store.tables import RUNNING, id_allocator, leader, metadata, runner, task_instance

_BATCH = 5_000  # rows
_LEFT_BEHIND = {leader.name, runner.name}  # who is there is said anew


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows each side has, and a digest over all of them that the order does not change."""

    table: str
    rows: tuple[int, int]
    digests: tuple[str, str]

    @property
    def alike(self) -> bool:
        return self.rows[0] == self.rows[1] and self.digests[0] == self.digests[1]


def check_movable(source: Connection, target: Connection) -> None:
    """Raises ValueError where something still runs in the source, or the target holds anything."""
    if source.execute(select(func.count()).select_from(task_instance).where(text(RUNNING))).scalar_one():
        raise ValueError("tasks are running in the source: end its server in order (SIGTERM), which ends them as well")
    for table in _tables():
        if table is not id_allocator and target.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise ValueError(f"the target's table {table.name} holds rows: name an empty database")


def copy_everything(source: Connection, target: Connection) -> Iterator[Copied]:
    """Copy table after table, in the caller's transactions; each with what was read and what is there afterwards."""
    target.execute(delete(id_allocator))
    for table in _tables():
        digest, count = _Digest(), 0
        for rows in _batches(source, table):
            insert_many(target, table, rows)
            digest.add(rows)
            count += len(rows)
        _go_on_counting(target, table)
        arrived, there = _Digest(), 0
        for rows in _batches(target, table):
            arrived.add(rows)
            there += len(rows)
        yield Copied(table.name, (count, there), (digest.text(), arrived.text()))


def _tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if table.name not in _LEFT_BEHIND]


def _batches(db: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    with db.execute(select(table).execution_options(yield_per=_BATCH)) as found:
        for part in found.mappings().partitions(_BATCH):
            yield [dict(row) for row in part]


def _go_on_counting(db: Connection, table: Table) -> None:
    """Let PostgreSQL give numbers after those that were copied; SQLite does so by itself."""
    column = table.autoincrement_column
    if db.dialect.name == "postgresql" and column is not None:
        last = db.execute(select(func.max(column))).scalar()
        if last is not None:
            db.execute(text("SELECT setval(pg_get_serial_sequence(:t, :c), :n)"),
                       {"t": table.name, "c": column.name, "n": last})  # fmt: skip


class _Digest:
    """The sum of the rows' hashes: the databases need not agree on an order of texts."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            line = json.dumps(list(row.values()), ensure_ascii=False, separators=(",", ":"))
            self._sum += int.from_bytes(hashlib.sha256(line.encode()).digest())

    def text(self) -> str:
        return f"{self._sum % 2**256:064x}"
