"""One allocator of ids for all kinds: from 100,000 up, never reused, below 2**53 so that JavaScript keeps them."""

from sqlalchemy import Connection, insert, update

from tidemill.store.statements import Statement, bindparam
from tidemill.store.tables import id_allocator

FIRST_ID = 100_000
OUTSIDE_WORKFLOW = 1  # the WorkflowId of periodic tasks outside a workflow
DEFAULT_PROJECT = 10_000

_take = Statement(
    update(id_allocator)
    .where(id_allocator.c.one == 1)
    .values(next=id_allocator.c.next + bindparam("count"))
    .returning(id_allocator.c.next)
)


def first_ids(db: Connection) -> None:
    """Make the allocator's row in a new database."""
    db.execute(insert(id_allocator).values(one=1, next=FIRST_ID))


def allocate(db: Connection, count: int) -> range:
    """`count` fresh ids in a row; they count as used only if the transaction commits."""
    end: int = _take(db, count=count).scalar()
    return range(end - count, end)
