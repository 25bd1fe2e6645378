"""SUB_PROCESS tasks and the workflows that they reference."""

from sqlalchemy import Connection, func, select

from tidemill.domain.control.kinds import SUB_PROCESS
from tidemill.domain.control.sub_process import read_sub_process
from tidemill.domain.errors import Malformed
from tidemill.store.tables import task, task_version

k = task.c
v = task_version.c
_scripts = (
    select(k.workflow_id, k.id, func.coalesce(v.script, ""))
    .join_from(task, task_version, (v.task_id == k.id) & (v.env == k.env) & (v.version == k.version))
    .where(k.type == SUB_PROCESS)
    .order_by(k.id)
)


def references(db: Connection, env: str) -> list[tuple[int, int, int]]:
    """(workflow, task, referenced workflow) of every SUB_PROCESS task that there is."""
    found: list[tuple[int, int, int]] = []
    for workflow, id, script in db.execute(_scripts.where(k.env == env)):
        try:
            found.append((workflow, id, read_sub_process(script)))
        except Malformed:
            continue
    return found
