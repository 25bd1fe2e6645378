"""The task instances that an edge joins to another."""

from sqlalchemy import Connection

from tidemill.store.instance_lists import task_instances
from tidemill.store.pages import AnyRow, Page, page
from tidemill.store.tables import instance_edge, task_instance

t = task_instance.c
e = instance_edge.c


def neighbours_of(db: Connection, now: int, id: int, order: Page, *, upstream: bool) -> tuple[list[AnyRow], int]:
    """Those directly before or after an instance, each with the edge's `dependency_type`."""
    this, other = (e.downstream_id, e.upstream_id) if upstream else (e.upstream_id, e.downstream_id)
    statement = task_instances(now).add_columns(e.type.label("dependency_type"))
    return page(db, statement.join(instance_edge, other == t.id).where(this == id, e.type != "Gate"), order)
