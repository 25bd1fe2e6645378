"""What an operator may give to an instance that has not ended: other resources, another priority, or its signal."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tidemill.domain.instance import Change, Instance, move
from tidemill.domain.status import Event, reach
from tidemill.scheduler.operate import Operator, Refusal, each, stands
from tidemill.store import changing
from tidemill.store.changing import Values


def change(db: Connection, by: Operator, values: Sequence[Values]) -> dict[int, str]:
    """Give instances that have not ended these values; the queue follows the new priority at once."""
    wanted = {item.id: item for item in values}

    def deed(instance: Instance) -> Change | Refusal:
        if reach(instance.status, Event.CHANGED) is None:
            return f"{stands(instance)}: only an instance that has not ended can be updated"
        return move(instance, Event.CHANGED, by.now, user=by.user, detail=_said(wanted[instance.id]))

    answers = each(db, by, list(wanted), "Update", deed)
    changing.change(db, [wanted[id] for id, refusal in answers.items() if not refusal])
    return answers


def _said(values: Values) -> str:
    named = {
        "Priority": values.priority,
        "RuntimeResource": values.resource_group_id,
        "DataSource": values.data_source,
    }
    return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


def fire(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Give instances the signal that they wait for; one that cannot use it yet keeps it for 24 hours."""

    def deed(instance: Instance) -> Change | Refusal:
        if reach(instance.status, Event.TRIGGERED) is None or instance.signalled_time is None:
            return f"{stands(instance)}: only an instance that waits for its trigger can be triggered"
        instance.signalled_time = by.now
        return move(instance, Event.TRIGGERED, by.now, user=by.user)

    return each(db, by, ids, "Trigger", deed)
