"""What must hold of a loop's body: tasks that depend on each other and on nothing else."""

from collections.abc import Iterator

from tidemill.domain.control.kinds import CYCLE, CYCLE_END, WITH_BODIES
from tidemill.domain.definitions import BodyTask, Task
from tidemill.domain.errors import Fault
from tidemill.domain.graph import find_cycle


def body_faults(path: str, task: Task) -> Iterator[Fault]:
    """Faults of `SubTasks`, with the loop's path in the request. Source: scheduling-semantics 10.3 and 10.4."""
    if task.type not in WITH_BODIES:
        yield Fault(f"{path}.SubTasks", f"only {' and '.join(sorted(WITH_BODIES))} have SubTasks")
        return
    names = [item.name for item in task.sub_tasks]
    if len(set(names)) < len(names):
        yield Fault(f"{path}.SubTasks", "two tasks of the body have the same name")
    ends = sum(item.type == CYCLE_END for item in task.sub_tasks)
    if task.type == CYCLE and ends != 1:
        yield Fault(f"{path}.SubTasks", f"one task of type {CYCLE_END} is expected, not {ends}")
    edges: dict[int, list[int]] = {}
    for index, item in enumerate(task.sub_tasks):
        here = f"{path}.SubTasks[{index}]"
        if item.type in WITH_BODIES:
            yield Fault(f"{here}.Type", "loops are not nested")
        for place, dependency in enumerate(item.dependencies):
            found = _sibling(task.sub_tasks, dependency.upstream_output or "")
            if dependency.type != "Normal" or found is None:
                message = "a Normal dependency on the output of another task of the body is expected"
                yield Fault(f"{here}.Dependencies[{place}]", message)
            else:
                edges.setdefault(index, []).append(found)
    if find_cycle(edges, edges) is not None:
        yield Fault(f"{path}.SubTasks", "a cycle of dependencies")


def _sibling(tasks: tuple[BodyTask, ...], output: str) -> int | None:
    """The task with this output: one that it declares, or `<project>.<its name>`."""
    for index, item in enumerate(tasks):
        declared = item.outputs.task_outputs if item.outputs else ()
        if any(out.output == output for out in declared):
            return index
    name = output.partition(".")[2]
    return next((index for index, item in enumerate(tasks) if item.name == name), None)
