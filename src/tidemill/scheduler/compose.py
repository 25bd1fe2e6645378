"""From a dispatched instance to what its runner executes."""

from datetime import UTC, datetime

from tidemill.runners.contract import Run
from tidemill.store.runs import Order


def compose(order: Order, run_number: int, now: int) -> Run:
    day = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%d")
    return Run(
        order.id,
        run_number,
        order.task_type,
        order.script,
        f"logs/{day}/{order.id}/{run_number}.log",
        order.timeout,
    )
