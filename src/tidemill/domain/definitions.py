"""Workflows and tasks as their owners define them, in the API's own words.

Python says `run_number`, the wire says `RunNumber`; nothing else maps one to the other. Absent, null and empty mean the
same inside a list or object (the official Python SDK sends `[]` for a list nobody set), so every list defaults to `()`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_MAX_INTEGER = 2**63 - 1


def _integer(value: Any) -> Any:
    """Numbers arrive as JSON numbers or as text; blanks, signs other than `-`, and fractions are refused."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("an integer is expected")
    if not -_MAX_INTEGER - 1 <= value <= _MAX_INTEGER:
        raise ValueError("an integer of at most 64 bits is expected")
    return value


def _boolean(value: Any) -> Any:
    """The Python SDK sends `True`, others `true`."""
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("true or false is expected")
    return value


def _empty_as_none(value: Any) -> Any:
    return None if value == "" else value


def _none_as_empty(value: Any) -> Any:
    return () if value is None else value


def text_like(pattern: str, parse: Callable[[str], object], expected: str) -> AfterValidator:
    """Takes a text, or None, of exactly this shape that `parse` accepts (it raises ValueError for others)."""
    shape = re.compile(pattern, re.ASCII)

    def check(text: str | None) -> str | None:
        if text is not None:
            try:
                if not shape.fullmatch(text):
                    raise ValueError
                parse(text)
            except ValueError:
                raise ValueError(f"{expected} is expected") from None
        return text

    return AfterValidator(check)


AsInteger = BeforeValidator(_integer)
Integer = Annotated[int, AsInteger]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
EnvType = Literal["Prod", "Dev"]
DependencyType = Literal[
    "Normal", "CrossCycleDependsOnSelf", "CrossCycleDependsOnChildren", "CrossCycleDependsOnOtherNode"
]
VariableType = Literal["Constant", "PassThrough", "System", "NodeOutput"]
RerunMode = Literal["AllDenied", "FailureAllowed", "AllAllowed"]
Recurrence = Literal["Normal", "Skip", "Pause"]
InstanceMode = Literal["T+1", "Immediately"]
ListOf = BeforeValidator(_none_as_empty)
OrNone = BeforeValidator(_empty_as_none)
IsDay = text_like(r"\d{4}-\d{2}-\d{2}", date.fromisoformat, "a date as yyyy-mm-dd")
Day = Annotated[str, IsDay]


class Wire(BaseModel):
    """Base of all definitions, requests and answers: snake_case here, the API's PascalCase on the wire."""

    model_config = ConfigDict(
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
    )


class Tag(Wire):
    key: str = Field(min_length=1, max_length=128)
    value: str | None = None


class Variable(Wire):
    name: str | None = None
    type: VariableType
    value: str | None = None


class TaskOutput(Wire):
    output: str = Field(min_length=1, max_length=512)


class TaskOutputs(Wire):
    """The `Outputs` of a workflow."""

    task_outputs: Annotated[tuple[TaskOutput, ...], ListOf] = ()


class Outputs(TaskOutputs):
    """The `Outputs` of a task."""

    variables: Annotated[tuple[Variable, ...], ListOf] = ()


class Inputs(Wire):
    variables: Annotated[tuple[Variable, ...], ListOf] = ()


class Dependency(Wire):
    """`upstream_output` goes with Normal; `upstream_task_id` with Normal or CrossCycleDependsOnOtherNode."""

    type: DependencyType
    upstream_output: Annotated[str | None, OrNone] = None
    upstream_task_id: Annotated[Integer | None, OrNone] = None


class Script(Wire):
    content: str | None = None
    parameters: str | None = None


class RuntimeResource(Wire):
    resource_group_id: str = Field(min_length=1)
    image: str | None = None
    cu: str | None = None


class DataSource(Wire):
    name: str | None = None


class TaskTrigger(Wire):
    """How an inner task follows its workflow's trigger."""

    type: Annotated[Literal["Scheduler", "Manual"] | None, OrNone] = None
    recurrence: Recurrence


class WorkflowTrigger(Wire):
    """`start_time` and `end_time` are `yyyy-mm-dd hh:mm:ss` in the scheduling zone, kept as given.

    `time_zone` is an extension of Tidemill: an IANA name; absent, the project's zone is the scheduling zone.
    `calendar_id` is Tidemill's own (docs/decisions/0010); like the cron, it means nothing to a Manual trigger.
    """

    type: Literal["Scheduler", "Manual"]
    cron: Annotated[str | None, OrNone] = None
    start_time: Annotated[str | None, OrNone] = None
    end_time: Annotated[str | None, OrNone] = None
    time_zone: Annotated[str | None, OrNone] = None
    calendar_id: Annotated[Integer | None, OrNone] = None


class BodyTask(Wire):
    """A task inside a loop. Timeout and RerunInterval are seconds.

    `max_parallel_instances` is Tidemill's own (docs/decisions/0012): absent, any number may run at once.
    """

    id: Annotated[Integer | None, OrNone] = None
    client_unique_code: Annotated[str | None, OrNone] = None
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    type: str = Field(min_length=1, max_length=64)
    owner: str = Field(min_length=1)
    env_type: Annotated[EnvType | None, OrNone] = None
    base_line_id: Annotated[Integer | None, OrNone] = None
    timeout: Annotated[Integer | None, OrNone] = None
    rerun_mode: RerunMode
    rerun_times: Annotated[Integer | None, OrNone] = None
    rerun_interval: Annotated[Integer | None, OrNone] = None
    script: Script | None = None
    trigger: TaskTrigger
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    inputs: Inputs | None = None
    outputs: Outputs | None = None
    dependencies: Annotated[tuple[Dependency, ...], ListOf] = ()
    tags: Annotated[tuple[Tag, ...], ListOf] = ()


class Task(BodyTask):
    """A task inside a workflow, as UpdateWorkflow takes it.

    `sub_tasks`, the body of a loop, is an extension of Tidemill; their dependencies stay among themselves. So is
    `max_parallel_instances` (docs/decisions/0012): absent, any number may run at once.
    """

    max_parallel_instances: Annotated[Annotated[Integer, Field(ge=1, le=10_000)] | None, OrNone] = None
    sub_tasks: Annotated[tuple[BodyTask, ...], ListOf] = ()


class Workflow(Wire):
    """A workflow, as CreateWorkflow and UpdateWorkflow take it. `tasks` None leaves the tasks as they are."""

    name: str = Field(min_length=1, max_length=256)
    owner: str = Field(min_length=1)
    description: str | None = None
    env_type: Annotated[EnvType | None, OrNone] = None
    client_unique_code: Annotated[str | None, OrNone] = None
    instance_mode: Annotated[InstanceMode | None, OrNone] = None
    parameters: str | None = None
    trigger: WorkflowTrigger
    outputs: TaskOutputs | None = None
    dependencies: Annotated[tuple[Dependency, ...], ListOf] = ()
    tags: Annotated[tuple[Tag, ...], ListOf] = ()
    tasks: tuple[Task, ...] | None = None


@dataclass(frozen=True, slots=True)
class TaskAt:
    """A task at a version; `definition` has no script content."""

    id: int
    version: int
    definition: Task


@dataclass(frozen=True, eq=False)
class WorkflowAt:
    """A workflow at a version, with its tasks in their order; `definition.tasks` is None.

    `links` are its dependencies as they were resolved then, as JSON: [[downstream, type, upstream], …].
    """

    id: int
    env: str
    version: int
    definition: Workflow
    tasks: tuple[TaskAt, ...]
    links: str | None = None
