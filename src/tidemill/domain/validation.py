"""What must hold of a definition by itself, before anything else is looked at: every fault at once, with its path."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tidemill.domain.control.body import body_faults
from tidemill.domain.control.branch import read_branch
from tidemill.domain.control.kinds import BRANCH, CYCLE, MERGE, SUB_PROCESS, TRAVERSE
from tidemill.domain.control.loops import read_limits
from tidemill.domain.control.merge import read_merge
from tidemill.domain.control.sub_process import read_sub_process
from tidemill.domain.control.waits import CHECK_NODE, DEPENDENT, read_check, read_dependent
from tidemill.domain.definitions import BodyTask, Dependency, Tag, Variable, Workflow
from tidemill.domain.errors import Fault, Malformed
from tidemill.domain.expressions import Expression
from tidemill.domain.parameters import validate
from tidemill.domain.python_start import start_faults
from tidemill.domain.schedule import check_trigger
from tidemill.domain.variables import STATUS, source_of

MAX_RERUN_TIMES = 10
_CONTENTS: dict[str, Callable[[str | None], object]] = {
    BRANCH: read_branch,
    MERGE: read_merge,
    TRAVERSE: read_limits,
    CYCLE: read_limits,
    CHECK_NODE: read_check,
    DEPENDENT: read_dependent,
    SUB_PROCESS: read_sub_process,
}
_ACROSS = {"CrossCycleDependsOnChildren", "CrossCycleDependsOnOtherNode"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in characters (scripts in bytes)."""

    tasks: int
    upstreams: int
    script: int
    parameters: int


def workflow_faults(workflow: Workflow, limits: Limits) -> list[Fault]:
    """Faults of a workflow and its tasks, in document order; an empty list means it may be looked at further."""
    faults = [
        *_trigger(workflow),
        *_dependencies("Dependencies", workflow.dependencies, limits),
        *_parameters("Parameters", workflow.parameters, limits),
    ]
    tasks = workflow.tasks or ()
    if len(tasks) > limits.tasks:
        faults.append(Fault("Tasks", f"at most {limits.tasks} tasks, not {len(tasks)}"))
    for index, task in enumerate(tasks):
        faults += _task(f"Tasks[{index}]", task, workflow, limits)
        faults += [] if not task.sub_tasks else body_faults(f"Tasks[{index}]", task)
        for place, item in enumerate(task.sub_tasks):
            faults += _task(f"Tasks[{index}].SubTasks[{place}]", item, workflow, limits)
    faults += _repeated("Tasks", "Name", [task.name for task in tasks])
    faults += _repeated("Tasks", "Id", [task.id for task in tasks])
    faults += _repeated("Tasks", "ClientUniqueCode", [task.client_unique_code for task in tasks])
    faults += _tags("Tags", workflow.tags)
    return faults


def _trigger(workflow: Workflow) -> list[Fault]:
    return check_trigger(workflow.trigger)[0] if workflow.trigger.type == "Scheduler" else []


def _task(path: str, task: BodyTask, workflow: Workflow, limits: Limits) -> Iterator[Fault]:
    env = workflow.env_type or "Prod"
    if task.env_type not in (None, env):
        yield Fault(f"{path}.EnvType", f"the workflow's, which is {env}, or none")
    if task.timeout is not None and task.timeout < 1:
        yield Fault(f"{path}.Timeout", "at least 1 second")
    if not 0 <= (task.rerun_times or 0) <= MAX_RERUN_TIMES:
        yield Fault(f"{path}.RerunTimes", f"between 0 and {MAX_RERUN_TIMES}")
    if (task.rerun_interval or 0) < 0:
        yield Fault(f"{path}.RerunInterval", "0 seconds or more")
    if task.script is not None:
        if len((task.script.content or "").encode()) > limits.script:
            yield Fault(f"{path}.Script.Content", f"at most {limits.script} bytes")
        yield from _parameters(f"{path}.Script.Parameters", task.script.parameters, limits)
    yield from _content(f"{path}.Script.Content", task)
    yield from _variables(f"{path}.Inputs.Variables", task.inputs.variables if task.inputs else ())
    yield from _variables(f"{path}.Outputs.Variables", task.outputs.variables if task.outputs else ())
    yield from _dependencies(f"{path}.Dependencies", task.dependencies, limits)
    yield from _tags(f"{path}.Tags", task.tags)
    yield from start_faults(f"{path}.Tags", task.tags)


def _content(path: str, task: BodyTask) -> Iterator[Fault]:
    """A control task whose content cannot be read would fail at each of its cycles."""
    read = _CONTENTS.get(task.type)
    if read is None:
        return
    try:
        read(task.script.content if task.script else None)
    except Malformed as error:
        yield Fault(path, str(error))


def _dependencies(path: str, dependencies: Iterable[Dependency], limits: Limits) -> Iterator[Fault]:
    listed = tuple(dependencies)
    if len(listed) > limits.upstreams:
        yield Fault(path, f"at most {limits.upstreams} direct upstreams, not {len(listed)}")
    for index, dependency in enumerate(listed):
        here = f"{path}[{index}]"
        if dependency.type == "Normal" and dependency.upstream_output is None and dependency.upstream_task_id is None:
            yield Fault(
                f"{here}.UpstreamOutput", "a Normal dependency names an UpstreamOutput or an UpstreamTaskId", True
            )
        if dependency.type == "CrossCycleDependsOnOtherNode" and dependency.upstream_task_id is None:
            yield Fault(f"{here}.UpstreamTaskId", "CrossCycleDependsOnOtherNode names an UpstreamTaskId", True)
    if {dependency.type for dependency in listed} >= _ACROSS:
        yield Fault(path, "CrossCycleDependsOnChildren and CrossCycleDependsOnOtherNode exclude each other")


def _parameters(path: str, text: str | None, limits: Limits) -> Iterator[Fault]:
    if not text:
        return
    if len(text) > limits.parameters:
        yield Fault(path, f"at most {limits.parameters} characters")
        return
    try:
        validate(text)
    except ValueError as error:
        yield Fault(path, str(error))


def _variables(path: str, variables: Iterable[Variable]) -> Iterator[Fault]:
    listed = tuple(variables)
    for index, variable in enumerate(listed):
        if not variable.name:
            yield Fault(f"{path}[{index}].Name", "a variable needs a name", True)
        if variable.type == "System" and variable.value != STATUS and source_of(variable) is None:
            yield from _system(f"{path}[{index}].Value", variable.value)
    yield from _repeated(path, "Name", [variable.name for variable in listed])


def _system(path: str, value: str | None) -> Iterator[Fault]:
    try:
        Expression.parse(value or "")
    except Malformed as error:
        yield Fault(path, str(error))


def _tags(path: str, tags: Iterable[Tag]) -> Iterator[Fault]:
    yield from _repeated(path, "Key", [tag.key for tag in tags])


def _repeated(path: str, field: str, values: Iterable[object]) -> Iterator[Fault]:
    """A fault for each value that stood earlier in the list; None may stand often."""
    first: dict[object, int] = {}
    for index, value in enumerate(values):
        if value is None:
            continue
        if value in first:
            yield Fault(f"{path}[{index}].{field}", f"{value} is already that of {path}[{first[value]}]")
        first.setdefault(value, index)
