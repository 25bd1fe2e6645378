"""What DEPENDENT tasks ask: whether the instances of other tasks have succeeded."""

from collections.abc import Iterable

from sqlalchemy import Connection, case, func, select

from tidemill.store.statements import Statement, String, as_rows, bindparam, given
from tidemill.store.tables import task_instance, task_output

t = task_instance.c
_asked = given("rows", ("output", String), ("bizdate", String))
_succeeded = Statement(
    select(_asked.c.output, _asked.c.bizdate)
    .join_from(_asked, task_output, task_output.c.output == _asked.c.output)
    .join(task_instance, (t.task_id == task_output.c.owner_id) & (t.env == task_output.c.env))
    .where(task_output.c.env == bindparam("env", type_=String), t.origin == 0, t.bizdate == _asked.c.bizdate)
    .group_by(_asked.c.output, _asked.c.bizdate)
    .having(func.count() == func.sum(case((t.status == "Success", 1), else_=0)))
)


def succeeded(db: Connection, env: str, asked: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (output, business date) all of whose periodic instances are Success; there is at least one."""
    return {(row[0], row[1]) for row in _succeeded(db, env=env, rows=as_rows(set(asked)))}
