"""Instances of tasks that are no longer there: what has not begun ends without executing (engine 19)."""

from collections.abc import Collection

from sqlalchemy import Connection

from tidemill.domain.instance import move
from tidemill.domain.status import Event
from tidemill.scheduler.consequences import carry_out
from tidemill.store import instances


def undeploy(db: Connection, now: int, env: str, task_ids: Collection[int], user: str) -> None:
    """Turn the not-begun instances of these tasks into dry runs: each ends Success in its turn, executing nothing."""
    waiting = instances.load(db, instances.not_begun(db, env, task_ids))
    instances.make_dry(db, [instance.id for instance in waiting])
    for instance in waiting:
        instance.reason = "Undeployed"
    changes = [move(instance, Event.UNDEPLOYED, now, user=user, frozen=0) for instance in waiting]
    carry_out(db, now, waiting, changes)
