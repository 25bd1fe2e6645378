"""RerunWorkflowInstances: manual runs are run again, one workflow instance after the other, resumed after a crash.

A workflow instance is rerun as asked or, where one of the chosen instances may not run again, not at all; the
operation's message names those that were not.
"""

import logging
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from tidemill.domain.status import FINAL, Status
from tidemill.scheduler.operate import Operator, rerun, rerun_refusal
from tidemill.store import instances, operations, rerunning
from tidemill.store.absence import ends_transaction
from tidemill.store.operations import Operation
from tidemill.store.rerunning import InnerFilter

log = logging.getLogger(__name__)


class Rerun(BaseModel):
    """What is asked, as the operation keeps it; the filter is looked at when a workflow instance has its turn."""

    model_config = ConfigDict(frozen=True)

    user: str
    workflow_instance_ids: tuple[int, ...]
    task_ids: tuple[int, ...] = ()
    task_name: str | None = None
    task_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    downstream: bool = False

    def inner_filter(self) -> InnerFilter:
        return InnerFilter(self.task_ids, self.task_name, self.task_types, self.statuses)


def rerun_unit(db: Connection, operation: Operation, now: int) -> int:
    """Rerun the operation's next workflow instance; returns about how many rows that were."""
    asked = Rerun.model_validate_json(operation.request)
    id = asked.workflow_instance_ids[operation.cursor]
    refusal, rows = "", 1
    try:
        with db.begin_nested():
            refusal, rows = _rerun(db, asked, id, now)
    except Exception as error:
        if ends_transaction(db, error):
            raise
        log.exception("operation %s could not rerun workflow instance %s", operation.id, id)
        refusal = type(error).__name__
    said = f"workflow instance {id} was not rerun: {refusal}" if refusal else None
    message = "; ".join(filter(None, [operation.message, said])) or None
    if operation.cursor + 1 == len(asked.workflow_instance_ids):
        operations.finish(db, operation.id, now, "Failure" if message else "Success", message)
    else:
        operations.advance(db, operation.id, operation.cursor + 1, message)
    return rows


def _rerun(db: Connection, asked: Rerun, id: int, now: int) -> tuple[str, int]:
    """Why it was not done, or nothing, and how many instances are run again.

    Those chosen that have not begun wait already; all others follow their upstreams again, as the edges say.
    """
    chosen = rerunning.matching(db, now, [id], asked.inner_filter())
    if asked.downstream:
        chosen = _with_all_below(chosen, rerunning.downstreams(db, id))
    found = instances.load(db, chosen)
    for item in found:
        if item.status not in FINAL and (item.status == Status.RUNNING or item.between_runs):
            return f"task instance {item.id} is {item.status}", 1
        refusal = rerun_refusal(item) if item.status in FINAL else ""
        if refusal:
            return f"task instance {item.id}: {refusal}", 1
    ended = [item.id for item in found if item.status in FINAL]
    rerun(db, Operator(asked.user, now), ended)
    return "", len(ended) + 1


def _with_all_below(chosen: Sequence[int], downstreams: Mapping[int, Sequence[int]]) -> list[int]:
    seen: set[int] = set()
    todo = list(chosen)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(downstreams.get(node, ()))
    return sorted(seen)
