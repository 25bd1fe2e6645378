"""From a dispatched instance to what its runner executes: script and arguments with their values in place."""

from datetime import UTC, datetime

from tidemill.domain.parameters import Resolved, render
from tidemill.runners.contract import Run
from tidemill.store.runs import Order

_RAW = frozenset({"PYODPS", "PYODPS3"})  # their code reads `args`; its text is not replaced (4.5)


def compose(order: Order, run_number: int, now: int) -> Run:
    """The run to hand over; its log is named by the day on which it starts, in UTC."""
    values = Resolved.model_validate_json(order.parameters)
    day = datetime.fromtimestamp(now / 1000, UTC)
    return Run(
        instance=order.id,
        run_number=run_number,
        task_type=order.task_type,
        script=order.script if order.task_type in _RAW else render(order.script, values.names),
        arguments=values.arguments,
        log=f"logs/{day:%Y%m%d}/{order.id}/{run_number}.log",
        timeout=order.timeout,
        environment={"SKYNET_BIZDATE": values.bizdate, "SKYNET_CYCTIME": values.cyctime},
    )
