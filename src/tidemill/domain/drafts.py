"""The instances and edges of one business date of a run, drafted before anything is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidemill.domain.definitions import Dependency, TaskAt, WorkflowAt
from tidemill.domain.schedule import Cycle
from tidemill.domain.selection import Edges, Selection, reverse

DRY_RUNS = frozenset({"Skip", "SkipUnchoose", "SkipCycle", "ConditionUnchoose", "RealtimeDeprecated", "SkipCalendar"})
VIRTUAL = "VIRTUAL"


@dataclass(frozen=True, slots=True)
class Edge:
    downstream_id: int
    upstream_id: int
    type: str


@dataclass(slots=True)
class Draft:
    """One task instance to be; `waits` is false for one that nothing inside its workflow instance precedes."""

    id: int
    task: TaskAt
    cycle: Cycle
    recurrence: str
    immediate: bool
    waits: bool


def default_outputs(project: str, id: int, name: str) -> tuple[str, str]:
    """The two reserved outputs that every task and workflow answers to, never listed (engine 7)."""
    return f"{project}.{id}_out", f"{project}.{name}"


def inner_upstreams(workflow: WorkflowAt, project: str) -> dict[int, list[int]]:
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


def previous_cycle_upstreams(workflow: WorkflowAt, upstreams: Edges) -> dict[int, set[int]]:
    """Each task's upstream tasks inside the workflow whose previous cycle it waits for."""
    downstreams = reverse(upstreams)
    needs: dict[int, set[int]] = {}
    for task in workflow.tasks:
        for dependency in task.definition.dependencies:
            if dependency.type == "CrossCycleDependsOnSelf":
                needs.setdefault(task.id, set()).add(task.id)
            elif dependency.type == "CrossCycleDependsOnChildren":
                needs.setdefault(task.id, set()).update(downstreams.get(task.id, ()))
            elif dependency.type == "CrossCycleDependsOnOtherNode" and dependency.upstream_task_id is not None:
                needs.setdefault(task.id, set()).add(dependency.upstream_task_id)
    return needs


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


def draft(
    workflow: WorkflowAt,
    upstreams: Edges,
    selection: Selection,
    cycles: Sequence[Cycle],
    ids: Iterator[int],
    *,
    manual: bool,
    previous: Mapping[int, int],
) -> tuple[list[Draft], list[Edge]]:
    """One instance a chosen task and cycle, and the edges among them.

    `previous` gives each task's last instance of the date before, in the same group of a backfill.
    """
    crossing = previous_cycle_upstreams(workflow, upstreams)
    drafts: list[Draft] = []
    edges: list[Edge] = []
    before = dict(previous)
    for cycle in cycles:
        made = {task.id: next(ids) for task in workflow.tasks if task.id in selection.run or task.id in selection.dry}
        for task in workflow.tasks:
            if task.id not in made:
                continue
            inner = [made[id] for id in upstreams[task.id] if id in made]
            edges += [Edge(made[task.id], id, "Normal") for id in inner]
            edges += [
                Edge(made[task.id], before[id], "CrossCycle")
                for id in sorted(crossing.get(task.id, ()))
                if id in before
            ]
            recurrence = _recurrence(task, cycle, task.id in selection.run, manual)
            immediate = recurrence in DRY_RUNS or task.definition.type == VIRTUAL
            drafts.append(Draft(made[task.id], task, cycle, recurrence, immediate, bool(inner)))
        before.update(made)
    return drafts, edges


def _recurrence(task: TaskAt, cycle: Cycle, chosen: bool, manual: bool) -> str:
    if not chosen:
        return "SkipUnchoose"
    if cycle.dry_run:
        return "SkipCycle"
    return "Manual" if manual else task.definition.trigger.recurrence


def count(edges: Iterable[Edge]) -> dict[int, int]:
    """How many edges lead to each downstream instance."""
    numbers: dict[int, int] = {}
    for edge in edges:
        numbers[edge.downstream_id] = numbers.get(edge.downstream_id, 0) + 1
    return numbers
