"""The instances and edges of one business date of a run, drafted before anything is stored.

A run made on request (backfill, manual, test) holds the chosen tasks of one workflow or of many; its edges follow the
rules of periodic ones among its own instances, and whatever is outside it is not waited for (scheduling-semantics 7.2).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tidemill.domain.cron import CycleClass
from tidemill.domain.definitions import Dependency, TaskAt, WorkflowAt
from tidemill.domain.instance_edges import Day, Edge, Link, edges_between
from tidemill.domain.schedule import Cycle
from tidemill.domain.selection import Edges, Selection

DRY_RUNS = frozenset({"Skip", "SkipUnchoose", "SkipCycle", "ConditionUnchoose", "RealtimeDeprecated", "SkipCalendar"})
VIRTUAL = "VIRTUAL"
Recurrence = Callable[[WorkflowAt, str], str]
"""Makes an instance's recurrence from its workflow and what its task says."""


@dataclass(slots=True)
class Draft:
    """One task instance to be."""

    id: int
    workflow: WorkflowAt
    task: TaskAt
    cycle: Cycle
    recurrence: str
    immediate: bool


def default_outputs(project: str, id: int, name: str) -> tuple[str, str]:
    """The two reserved outputs that every task and workflow answers to, never listed (engine 7)."""
    return f"{project}.{id}_out", f"{project}.{name}"


@lru_cache(maxsize=64)  # a version never changes; the dates of a run ask again and again
def inner_upstreams(workflow: WorkflowAt, project: str) -> Mapping[int, Sequence[int]]:
    """Each task's same-cycle upstream tasks inside the workflow; a declared output wins over a reserved one."""
    owners: dict[str, int] = {}
    for task in workflow.tasks:
        for output in default_outputs(project, task.id, task.definition.name):
            owners[output] = task.id
    for task in workflow.tasks:
        for output in task.definition.outputs.task_outputs if task.definition.outputs else ():
            owners[output.output] = task.id
    ids = {task.id for task in workflow.tasks}

    def upstream(dependency: Dependency) -> int | None:
        if dependency.type != "Normal":
            return None
        id = owners.get(dependency.upstream_output or "", dependency.upstream_task_id)
        return id if id in ids else None

    return {
        task.id: [id for id in dict.fromkeys(map(upstream, task.definition.dependencies)) if id is not None]
        for task in workflow.tasks
    }


def weights(upstreams: Edges, priorities: Mapping[int, int]) -> dict[int, int]:
    """Own priority plus the priorities of all tasks upstream: deeper tasks first (scheduling-semantics 6.7)."""
    ancestors: dict[int, set[int]] = {}

    def of(node: int) -> None:
        stack = [node]
        while stack:
            top = stack[-1]
            missing = [need for need in upstreams.get(top, ()) if need not in ancestors]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            ancestors[top] = {a for need in upstreams.get(top, ()) for a in (need, *ancestors[need])}

    for node in upstreams:
        of(node)
    return {node: priorities[node] + sum(priorities[a] for a in above) for node, above in ancestors.items()}


@dataclass(frozen=True)
class Scheduled:
    """A workflow of the run, with its cycles of the date; `upstreams` are the Normal ones inside it."""

    workflow: WorkflowAt
    cycles: Sequence[Cycle]
    cycle_class: CycleClass
    upstreams: Edges


def draft(
    scheduled: Iterable[Scheduled], selection: Selection, ids: Iterator[int], recurrence: Recurrence
) -> list[Draft]:
    """One instance a chosen task and cycle."""
    return [
        _draft(item.workflow, task, cycle, task.id in selection.run, recurrence, next(ids))
        for item in scheduled
        for cycle in item.cycles
        for task in item.workflow.tasks
        if task.id in selection.run or task.id in selection.dry
    ]


def _draft(workflow: WorkflowAt, task: TaskAt, cycle: Cycle, chosen: bool, recurrence: Recurrence, id: int) -> Draft:
    given = recurrence(workflow, task.definition.trigger.recurrence)
    if not chosen:
        given = "SkipUnchoose"
    elif cycle.dry_run:
        given = "SkipCycle"
    return Draft(id, workflow, task, cycle, given, given in DRY_RUNS or task.definition.type == VIRTUAL)


Made = tuple[int, int, int]  # task, trigger time, instance


@dataclass
class _Nodes:
    """A date's instances by node; a workflow as a whole stands for the chosen tasks of each of its cycles.

    In `days` a workflow's cycle has a negative id; `first` and `last` give the instances that it stands for.
    """

    days: dict[int, Day] = field(default_factory=dict[int, Day])
    first: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    last: dict[int, list[int]] = field(default_factory=dict[int, list[int]])


def edges_of(
    scheduled: Sequence[Scheduled], links: Sequence[Link], today: Iterable[Made], before: Iterable[Made]
) -> list[Edge]:
    """The edges that lead to the instances of `today`, from them and from those of the date `before`."""
    selves = {link.downstream for link in links if link.downstream == link.upstream}
    numbers = iter(range(-1, -(10**9), -1))
    now, earlier = (_nodes(scheduled, selves, made, numbers) for made in (today, before))
    first, last = now.first, now.last | earlier.last
    return list(
        dict.fromkeys(
            Edge(downstream, upstream, edge.type)
            for edge in edges_between(links, now.days, earlier.days)
            for downstream in first.get(edge.downstream_id, (edge.downstream_id,))
            for upstream in last.get(edge.upstream_id, (edge.upstream_id,))
        )
    )


def _nodes(scheduled: Sequence[Scheduled], selves: set[int], made: Iterable[Made], numbers: Iterator[int]) -> _Nodes:
    by_task: dict[int, dict[int, int]] = {}
    for task, time, id in made:
        by_task.setdefault(task, {})[time] = id
    found = _Nodes()
    for item in scheduled:
        tasks = {task.id: by_task[task.id] for task in item.workflow.tasks if task.id in by_task}
        for task, instances in tasks.items():
            found.days[task] = Day.of(instances.items(), item.cycle_class, self_dependent=task in selves)
        if tasks:
            _add_whole(found, item, tasks, selves, numbers)
    return found


def _add_whole(
    found: _Nodes, item: Scheduled, tasks: Mapping[int, Mapping[int, int]], selves: set[int], numbers: Iterator[int]
) -> None:
    preceded = {task for task in tasks if any(need in tasks for need in item.upstreams.get(task, ()))}
    followed = {need for task in tasks for need in item.upstreams.get(task, ())}
    cycles: dict[int, int] = {}
    for time in sorted({time for instances in tasks.values() for time in instances}):
        cycles[time] = number = next(numbers)
        found.first[number] = [tasks[task][time] for task in tasks if task not in preceded and time in tasks[task]]
        found.last[number] = [tasks[task][time] for task in tasks if task not in followed and time in tasks[task]]
    id = item.workflow.id
    found.days[id] = Day.of(cycles.items(), item.cycle_class, self_dependent=id in selves)
