"""From a dispatched instance to what its runner executes: script and arguments with their values in place."""

import shlex
from collections.abc import Mapping
from dataclasses import astuple
from datetime import UTC, datetime

from tidemill.domain.control.assignment import read_assignment
from tidemill.domain.control.kinds import ASSIGNING
from tidemill.domain.control.loops import Iteration
from tidemill.domain.control.loops import prepare as prepare_turn
from tidemill.domain.control.trigger_message import MESSAGE
from tidemill.domain.control.trigger_message import references as message_references
from tidemill.domain.parameters import Resolved
from tidemill.domain.substitution import prepare
from tidemill.domain.variables import Value, references
from tidemill.runners.contract import Run
from tidemill.runners.logs import log_path
from tidemill.store.runs import Order


def compose(
    order: Order,
    values: Resolved,
    run_number: int,
    now: int,
    inputs: Mapping[str, Value],
    turn: Iteration | None = None,
) -> Run:
    """The run to hand over; its log is named by the day on which it starts, in UTC.

    `values` are the order's parameters, its secrets among them; `turn` is the iteration of a loop to which the instance
    belongs. Raises Malformed where the script cannot be prepared: an index of an input variable that is out of range.
    """
    task_type, script = order.task_type, order.script
    if task_type in ASSIGNING:
        task_type, script = astuple(read_assignment(script))
    script, seen = prepare_turn(script, turn) if turn is not None else (script, {})
    message = values.workflow.get(MESSAGE)
    sent = message_references(script, message).values if message is not None else {}
    prepared = prepare(task_type, script, values, references(script, inputs) | seen | sent)
    return Run(
        instance=order.id,
        run_number=run_number,
        task_type=task_type,
        script=prepared.script,
        arguments=prepared.arguments,
        log=_log(order.id, run_number, now),
        timeout=order.timeout,
        environment={
            "SKYNET_BIZDATE": values.system["bdp.system.bizdate"],
            "SKYNET_CYCTIME": values.system["bdp.system.cyctime"],
        },
        python=order.python,
    )


def failing(instance: int, run_number: int, now: int, message: str) -> Run:
    """A run that fails and leaves `message` in its log, in place of one that can no longer be put together."""
    script = f"echo {shlex.quote(message)} >&2\nexit 1\n"
    return Run(instance, run_number, "DIDE_SHELL", script, _log(instance, run_number, now), timeout=0)


def _log(instance: int, run_number: int, now: int) -> str:
    return log_path(datetime.fromtimestamp(now / 1000, UTC), instance, run_number)
