"""Which tasks a run holds: those of one workflow, or of any where the request names workflow 1."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tidemill.actions.context import ROLES, Context
from tidemill.actions.instance_models import CreateWorkflowInstancesRequest, DefaultRunProperties
from tidemill.domain.creation import OUTSIDE_WORKFLOW, Member
from tidemill.domain.errors import Fault, Forbidden, NotFound
from tidemill.domain.selection import Edges, Selection, select, whole_graph
from tidemill.store import linking, task_graph
from tidemill.store.task_graph import Owner

HERE = "DefaultRunProperties"
MAX_TASKS = 20_000
_CHOSEN_ONLY = ("Manual", "SmokeTest")  # types that run the root tasks and nothing between or after them


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen tasks and the dry runs between them, with the workflows that hold them."""

    members: tuple[Member, ...]
    run: frozenset[int]
    dry: frozenset[int]


def choose(context: Context, request: CreateWorkflowInstancesRequest, env: str) -> tuple[Choice | None, list[Fault]]:
    """What the request chooses; faults where it chooses nothing, or what its type cannot run.

    Raises Forbidden for a root or included task of a project in which the caller may not operate; others of such
    projects become dry runs (scheduling-semantics 7.2, rule 8).
    """
    properties = request.default_run_properties or DefaultRunProperties()
    only = None if request.workflow_id == OUTSIDE_WORKFLOW else request.workflow_id
    tasks = task_graph.tasks(context.db, env, only)
    faults = [*_unknown(request, properties, tasks, env), *_mode_faults(request, properties)]
    if faults:
        return None, faults
    inside = None if only is None else [only, *tasks]
    selection = _selection(context, request, properties, tasks, inside, env)
    owners = task_graph.owners(context.db, env, _workflows(request, selection, tasks))
    selection = _filtered(context, properties, selection, {task: owners[tasks[task]] for task in _all(selection)})
    faults = [*_type_faults(request, owners.values()), *_size_faults(selection)]
    if properties.order == "Desc" and not faults and _crosses(context, env, selection, tasks):
        faults.append(Fault(f"{HERE}.Order", "Asc is expected: the tasks depend on their previous cycles"))
    members = tuple(
        Member(item.workflow_id, item.version, item.project_id, item.project_name, item.time_zone)
        for item in owners.values()
    )
    return Choice(members, selection.run, selection.dry), faults


def _all(selection: Selection) -> frozenset[int]:
    return selection.run | selection.dry


def _workflows(request: CreateWorkflowInstancesRequest, selection: Selection, tasks: dict[int, int]) -> set[int]:
    found = {tasks[task] for task in _all(selection)}
    return found if request.workflow_id == OUTSIDE_WORKFLOW else found | {request.workflow_id}


def _unknown(
    request: CreateWorkflowInstancesRequest, properties: DefaultRunProperties, tasks: Collection[int], env: str
) -> Iterator[Fault]:
    chosen = {
        "RootTaskIds": properties.root_task_ids,
        "IncludeTaskIds": properties.include_task_ids,
        "ExcludeTaskIds": properties.exclude_task_ids,
    }
    for name, listed in chosen.items():
        unknown = sorted(set(listed) - set(tasks))
        if unknown and request.workflow_id == OUTSIDE_WORKFLOW:
            yield Fault(f"{HERE}.{name}", f"there is no task {unknown[0]} in {env}")
        elif unknown:
            yield Fault(f"{HERE}.{name}", f"{unknown[0]} is not a task of workflow {request.workflow_id}")


def _mode_faults(request: CreateWorkflowInstancesRequest, properties: DefaultRunProperties) -> Iterator[Fault]:
    roots, include = len(properties.root_task_ids), len(properties.include_task_ids)
    if request.type in _CHOSEN_ONLY:
        if request.type == "SmokeTest" and roots > 1:
            yield Fault(f"{HERE}.RootTaskIds", "exactly one task is tested at a time")
        if not roots:
            yield Fault(f"{HERE}.RootTaskIds", f"the tasks to run, in type {request.type}", True)
        return
    match properties.mode:
        case "Chain":
            if roots:
                yield Fault(f"{HERE}.RootTaskIds", "empty in mode Chain")
            if include != 2:
                yield Fault(f"{HERE}.IncludeTaskIds", "the start and the end task, in mode Chain")
        case "General" | "AllDownstream" as mode:
            open = request.workflow_id == OUTSIDE_WORKFLOW or include or mode == "AllDownstream"
            if roots > 1 or (roots == 0 and open):
                yield Fault(f"{HERE}.RootTaskIds", f"exactly one task in mode {mode}", missing=roots == 0)
        case _:
            if request.workflow_id == OUTSIDE_WORKFLOW and not roots and not include:
                yield Fault(f"{HERE}.RootTaskIds", "the tasks to run, where WorkflowId is 1", True)


def _selection(
    context: Context,
    request: CreateWorkflowInstancesRequest,
    properties: DefaultRunProperties,
    tasks: dict[int, int],
    inside: Collection[int] | None,
    env: str,
) -> Selection:
    """`inside` are the nodes whose dependencies count; without it those of all."""
    roots, include, exclude = properties.root_task_ids, properties.include_task_ids, properties.exclude_task_ids
    if request.type in _CHOSEN_ONLY:
        return Selection(frozenset({*roots, *include} - {*exclude}), frozenset())
    graph: Edges = whole_graph(tasks, task_graph.links(context.db, env, inside))
    found = select(properties.mode or "ManualSelection", graph, roots, include, exclude)
    return Selection(found.run & tasks.keys(), found.dry & tasks.keys())


def _filtered(
    context: Context, properties: DefaultRunProperties, selection: Selection, owners: dict[int, Owner]
) -> Selection:
    """Without the projects that are left out; what is left out between chosen tasks becomes a dry run."""
    named = {*properties.root_task_ids, *properties.include_task_ids}
    included, excluded = set(properties.include_project_ids), set(properties.exclude_project_ids)
    allowed: dict[int, bool] = {}
    kept: set[int] = set()
    for task in sorted(selection.run):
        project = owners[task].project_id
        if project not in allowed:
            allowed[project] = _may_operate(context, project)
        if task in named and not allowed[project]:
            context.project(project)
        wanted = task in named or ((not included or project in included) and project not in excluded)
        if wanted and allowed[project]:
            kept.add(task)
    return Selection(frozenset(kept), selection.dry | (selection.run - kept))


def _may_operate(context: Context, project_id: int) -> bool:
    try:
        return context.project(project_id).role in ROLES[context.permission]
    except (Forbidden, NotFound):
        return False


def _type_faults(request: CreateWorkflowInstancesRequest, owners: Iterable[Owner]) -> Iterator[Fault]:
    triggers = {item.trigger_type for item in owners}
    if request.type in ("ManualWorkflow", "Manual", "TriggerWorkflow") and "Scheduler" in triggers:
        yield Fault("Type", "the workflow has a Scheduler trigger: SupplementData runs it for chosen business dates")
    elif request.type == "SupplementData" and "Manual" in triggers:
        yield Fault("Type", "the workflow has a Manual trigger: ManualWorkflow runs it")


def _size_faults(selection: Selection) -> Iterator[Fault]:
    if len(_all(selection)) > MAX_TASKS:
        yield Fault(HERE, f"at most {MAX_TASKS} tasks are expected, not {len(_all(selection))}")


def _crosses(context: Context, env: str, selection: Selection, tasks: dict[int, int]) -> bool:
    """Whether a chosen task waits for a previous cycle of a chosen one."""
    nodes = selection.run | {tasks[task] for task in selection.run}
    declared = linking.declared(context.db, env, nodes)
    if any(
        item.type == "CrossCycleDependsOnSelf" or item.upstream in nodes for item in declared if item.type != "Normal"
    ):
        return True
    parents = {item.downstream for item in declared if item.type == "CrossCycleDependsOnChildren"}
    return any(child.downstream in nodes for child in linking.children(context.db, env, parents))
