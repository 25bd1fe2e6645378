"""Which stored task each task of a request is: by Id, else by ClientUniqueCode, else it is new (decision 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tidemill.domain.definitions import BodyTask, Script, Task, Workflow
from tidemill.domain.errors import Fault
from tidemill.settings import Settings
from tidemill.store.definitions import StoredTask


@dataclass(frozen=True, slots=True)
class Matched:
    """A task of the request with its defaults filled in; `stored` is None for a new one."""

    index: int
    task: Task
    code: str
    stored: StoredTask | None

    @property
    def path(self) -> str:
        return f"Tasks[{self.index}]"


def new_code(kind: str) -> str:
    """A ClientUniqueCode for a thing whose maker gave none."""
    return f"{kind}_{uuid4().hex}"


def match(
    workflow_id: int,
    tasks: Sequence[Task],
    stored: Sequence[StoredTask],
    elsewhere: Mapping[str, tuple[int, int]],
    workflow: Workflow,
    settings: Settings,
) -> tuple[list[Matched], list[Fault]]:
    """Pair the request's tasks with the stored ones; `elsewhere` says which codes belong to which task and workflow."""
    by_id = {item.id: item for item in stored}
    by_code = {item.client_unique_code: item for item in stored}
    matched: list[Matched] = []
    faults: list[Fault] = []
    for index, task in enumerate(tasks):
        code = task.client_unique_code
        if task.id is not None:
            found = by_id.get(task.id)
            if found is None:
                faults.append(Fault(f"Tasks[{index}].Id", f"{task.id} is not a task of workflow {workflow_id}"))
                continue
            if code is not None and code != found.client_unique_code:
                faults.append(Fault(f"Tasks[{index}].ClientUniqueCode", "not the code with which the task was created"))
        else:
            found = by_code.get(code) if code is not None else None
            if found is None and code is not None and code in elsewhere:
                faults.append(Fault(f"Tasks[{index}].ClientUniqueCode", f"already that of task {elsewhere[code][0]}"))
        code = found.client_unique_code if found else code or new_code("Task")
        matched.append(Matched(index, _complete(task, workflow, settings), code, found))
    return matched, faults + _twice(matched)


def _twice(matched: Sequence[Matched]) -> list[Fault]:
    """One task given by its Id and again by its code."""
    seen: dict[int, int] = {}
    faults: list[Fault] = []
    for item in matched:
        if item.stored is not None:
            if item.stored.id in seen:
                faults.append(Fault(item.path, f"the same task as Tasks[{seen[item.stored.id]}]"))
            seen[item.stored.id] = item.index
    return faults


def _complete(task: Task, workflow: Workflow, settings: Settings) -> Task:
    """The task with the defaults of engine 36 in place of what is absent; so too the tasks of its body."""
    body = [item.model_copy(update=_defaults(item, workflow, settings)) for item in task.sub_tasks]
    return task.model_copy(update=_defaults(task, workflow, settings) | {"sub_tasks": tuple(body)})


def _defaults(task: BodyTask, workflow: Workflow, settings: Settings) -> dict[str, Any]:
    return {
        "timeout": settings.default_timeout if task.timeout is None else task.timeout,
        "rerun_times": task.rerun_times or 0,
        "rerun_interval": settings.default_rerun_interval if task.rerun_interval is None else task.rerun_interval,
        "trigger": task.trigger.model_copy(update={"type": task.trigger.type or workflow.trigger.type}),
        "script": None if task.script == Script() else task.script,
    }


def stored_text(task: BodyTask) -> str:
    """The part of a task that its version keeps as JSON: all but its identity and its script's content."""
    bare = task.model_copy(
        update={
            "id": None,
            "env_type": None,
            "client_unique_code": None,
            "script": Script(parameters=task.script.parameters) if task.script and task.script.parameters else None,
        }
    )
    return bare.model_dump_json(by_alias=True, exclude_none=True)
