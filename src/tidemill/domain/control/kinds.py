"""Which tasks the scheduler has more to do for than to run them or to let them pass."""

from tidemill.domain.definitions import Task

ASSIGNMENT, BRANCH, MERGE, PARAM_HUB = "CONTROLLER_ASSIGNMENT", "CONTROLLER_BRANCH", "CONTROLLER_JOIN", "PARAM_HUB"
TRAVERSE, CYCLE, CYCLE_END = "CONTROLLER_TRAVERSE", "CONTROLLER_CYCLE", "CONTROLLER_CYCLE_END"
MARKERS = frozenset({"CONTROLLER_TRAVERSE_START", "CONTROLLER_TRAVERSE_END", "CONTROLLER_CYCLE_START"})

SUB_PROCESS = "SUB_PROCESS"
WITH_BODIES = frozenset({TRAVERSE, CYCLE})
LOOPS = WITH_BODIES | {SUB_PROCESS}
"""Types that run workflow instances of their own: bodies in turns, or once another workflow."""

ASSIGNING = frozenset({ASSIGNMENT, CYCLE_END})
"""Types whose script has to give a result."""

DEPENDENT = "DEPENDENT"
SETTLED = frozenset({BRANCH, MERGE, PARAM_HUB, DEPENDENT}) | LOOPS
"""Types that the scheduler settles itself when their turn comes: no process, no slot."""

_CONTROL = SETTLED | ASSIGNING


def control_of(task: Task) -> str | None:
    """What its instances keep: the type of a control task, or of one with variables; None for all others."""
    variables = (*(task.inputs.variables if task.inputs else ()), *(task.outputs.variables if task.outputs else ()))
    return task.type if task.type in _CONTROL or variables else None
