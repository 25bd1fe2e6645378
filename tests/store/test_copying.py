"""Many rows at once: what is there already stays as it is, on both databases, more than once in a transaction."""

import pytest
from sqlalchemy import select

from tidemill.store.engine import Database
from tidemill.store.statements import insert_many
from tidemill.store.tables import instance_edge


def rows(first: int, last: int, satisfied: int = 0) -> list[dict[str, object]]:
    return [
        {"downstream_id": number, "upstream_id": 1, "type": "Normal", "satisfied": satisfied}
        for number in range(first, last)
    ]


@pytest.mark.parametrize("size", [1, 99, 100, 5_000])
def test_rows_that_are_there_are_kept(database: Database, size: int) -> None:
    with database.write() as db:
        insert_many(db, instance_edge, rows(0, size))
        insert_many(db, instance_edge, rows(0, size + 10, satisfied=1), keep=True)
        insert_many(db, instance_edge, rows(size + 10, 2 * size + 10))
    with database.write() as db:
        insert_many(db, instance_edge, rows(0, size, satisfied=1), keep=True)
        found = db.execute(select(instance_edge.c.satisfied).order_by(instance_edge.c.downstream_id)).scalars().all()
    assert found == [0] * size + [1] * 10 + [0] * size


def test_a_row_that_is_there_is_an_error_unless_it_is_to_be_kept(database: Database) -> None:
    with database.write() as db:
        insert_many(db, instance_edge, rows(0, 200))
    with pytest.raises(Exception, match=r"(?i)unique"), database.write() as db:
        insert_many(db, instance_edge, rows(100, 300))
