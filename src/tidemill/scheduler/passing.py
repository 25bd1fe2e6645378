"""What the moves of control tasks, and of tasks with variables, mean for the instances below them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tidemill.domain.instance import Change, Instance
from tidemill.domain.status import FINAL, Status
from tidemill.domain.variables import Value
from tidemill.scheduler.variables import hand_out
from tidemill.store import branches, instances


def hand_on(
    db: Connection, now: int, moved: Sequence[Instance], changes: Sequence[Change], results: Mapping[int, Value]
) -> None:
    """Hand out variables, pass on that an arm was not chosen, and tell merges of failures; `moved` are saved."""
    succeeded = {change.id for change in changes if change.to_status == Status.SUCCESS}
    with_variables = [
        item for item in moved if item.control is not None and item.kind == "Task" and item.id in succeeded
    ]
    if with_variables:
        hand_out(db, with_variables, results)
    unchosen = [item.id for item in moved if item.unchosen and item.id in succeeded]
    if unchosen:
        branches.pass_on(db, unchosen)
    failed = [change.id for change in changes if change.to_status == Status.FAILURE]
    if failed:
        instances.satisfy_merges(db, now, failed)
    repaired = [
        change.id for change in changes if change.from_status == Status.FAILURE and change.to_status not in FINAL
    ]
    if repaired:
        instances.unsatisfy(db, repaired)  # only merges count a failure as done
    again = [change.id for change in changes if change.from_status in FINAL and change.to_status == Status.NOT_RUN]
    if again:
        branches.reconsider(db, again)
