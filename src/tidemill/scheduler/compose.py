"""From a dispatched instance to what its runner executes: script and arguments with their values in place."""

from datetime import UTC, datetime

from tidemill.domain.parameters import Resolved
from tidemill.domain.substitution import prepare
from tidemill.runners.contract import Run
from tidemill.store.runs import Order


def compose(order: Order, run_number: int, now: int) -> Run:
    """The run to hand over; its log is named by the day on which it starts, in UTC."""
    values = Resolved.from_json(order.parameters)
    prepared = prepare(order.task_type, order.script, values)
    day = datetime.fromtimestamp(now / 1000, UTC)
    return Run(
        instance=order.id,
        run_number=run_number,
        task_type=order.task_type,
        script=prepared.script,
        arguments=prepared.arguments,
        log=f"logs/{day:%Y%m%d}/{order.id}/{run_number}.log",
        timeout=order.timeout,
        environment={
            "SKYNET_BIZDATE": values.system["bdp.system.bizdate"],
            "SKYNET_CYCTIME": values.system["bdp.system.cyctime"],
        },
    )
