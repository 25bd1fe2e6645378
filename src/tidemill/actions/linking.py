"""What depends on what after an update: outputs have one owner each, upstreams exist, and nothing waits for itself."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tidemill.domain.definitions import Dependency, TaskOutput
from tidemill.domain.drafts import default_outputs
from tidemill.domain.errors import Fault
from tidemill.domain.graph import find_cycle
from tidemill.store import definitions


@dataclass(slots=True)
class Node:
    """The workflow or one of its tasks as it will be; `path` is where the request says so (empty for the workflow)."""

    kind: str  # Task or Workflow
    id: int
    name: str
    path: str
    outputs: tuple[TaskOutput, ...]
    dependencies: tuple[Dependency, ...]
    upstreams: list[int | None] = field(default_factory=list[int | None])  # one a dependency, once resolved

    def at(self, field: str) -> str:
        return f"{self.path}.{field}" if self.path else field


@dataclass(frozen=True, slots=True)
class Scope:
    """Where nodes are linked: an environment, the project's name, and the workflow that owns all of them."""

    db: Connection
    env: str
    project: str
    workflow_id: int
    owned: frozenset[int]  # ids that the workflow had or will have: what it gives up is free again


def root_output(project: str) -> str:
    """The project's root: a virtual daily task at 00:00 that has always succeeded."""
    return f"{project}_root"


def output_faults(scope: Scope, nodes: Iterable[Node]) -> list[Fault]:
    """Outputs that two nodes declare, or that something else of the environment owns."""
    listed = [(node, index, out.output) for node in nodes for index, out in enumerate(node.outputs)]
    owners = definitions.output_owners(scope.db, scope.env, {output for _, _, output in listed})
    faults: list[Fault] = []
    taken: dict[str, str] = {}
    for node, index, output in listed:
        path = node.at(f"Outputs.TaskOutputs[{index}].Output")
        if output in taken:
            faults.append(Fault(path, f"{output} is already an output of {taken[output]}"))
        elif output in owners and owners[output] not in scope.owned:
            faults.append(Fault(path, f"{output} is already an output of {owners[output]}; an output has one owner"))
        taken.setdefault(output, node.path or "the workflow")
    return faults


def resolve(scope: Scope, nodes: Collection[Node]) -> list[Fault]:
    """Fill in each node's `upstreams`; the faults name what does not exist, is ambiguous, or runs by hand only."""
    local = _local_outputs(scope, nodes)
    unknown = {d.upstream_output for node in nodes for d in node.dependencies if d.upstream_output} - set(local)
    foreign = _foreign_outputs(scope, unknown)
    mine = {node.id for node in nodes}
    asked = {d.upstream_task_id for node in nodes for d in node.dependencies if d.upstream_task_id} - mine
    triggers = definitions.triggers(scope.db, scope.env, asked | {id for ids in foreign.values() for id in ids})
    faults: list[Fault] = []
    for node in nodes:
        for index, dependency in enumerate(node.dependencies):
            found, wrong = _upstream(dependency, local, foreign, mine, triggers, scope)
            node.upstreams.append(found)
            if wrong is not None:
                faults.append(Fault(f"{node.at('Dependencies')}[{index}].{wrong[0]}", wrong[1]))
    return faults


def _local_outputs(scope: Scope, nodes: Iterable[Node]) -> dict[str, list[int]]:
    """Output: owners among the nodes; a declared output wins over the reserved ones."""
    found: dict[str, list[int]] = {}
    for node in nodes:
        for output in default_outputs(scope.project, node.id, node.name):
            found.setdefault(output, []).append(node.id)
    for node in nodes:
        for out in node.outputs:
            found[out.output] = [node.id]
    return found


def _foreign_outputs(scope: Scope, outputs: Collection[str]) -> dict[str, list[int]]:
    """The same for outputs that no node of this call has, as the environment stands."""
    found = {
        output: [owner]
        for output, owner in definitions.output_owners(scope.db, scope.env, outputs).items()
        if owner not in scope.owned
    }
    missing = [output for output in outputs if output not in found and "." in output]
    named = definitions.by_name(scope.db, scope.env, {output.split(".", 1)[1] for output in missing})
    for output in missing:
        project, rest = output.split(".", 1)
        owners = [id for id in named.get((project, rest), []) if id not in scope.owned]
        if rest.endswith("_out") and rest[:-4].isdigit():
            owners.append(int(rest[:-4]))
        if owners:
            found[output] = owners
    return found


def _upstream(
    dependency: Dependency,
    local: Mapping[str, list[int]],
    foreign: Mapping[str, list[int]],
    mine: Collection[int],
    triggers: Mapping[int, tuple[str, int]],
    scope: Scope,
) -> tuple[int | None, tuple[str, str] | None]:
    """What one dependency leads to, or which field of it is wrong and why."""
    if dependency.type in ("CrossCycleDependsOnSelf", "CrossCycleDependsOnChildren"):
        return None, None
    output = dependency.upstream_output if dependency.type == "Normal" else None
    if output is None:
        id = dependency.upstream_task_id
        if id is None or id in mine:
            return id, None
        return (id, _by_hand("UpstreamTaskId", id, triggers, scope)) if id in triggers else (
            None, ("UpstreamTaskId", f"no task or workflow {id} in {scope.env}"))  # fmt: skip
    if output == root_output(scope.project):
        return None, None
    owners = local.get(output) or [id for id in foreign.get(output, []) if id in triggers]
    if not owners:
        return None, ("UpstreamOutput", f"nothing in {scope.env} has the output {output}")
    if len(owners) > 1:
        return None, ("UpstreamOutput", f"{output} is ambiguous: it may be {' or '.join(map(str, sorted(owners)))}")
    return owners[0], None if owners[0] in mine else _by_hand("UpstreamOutput", owners[0], triggers, scope)


def _by_hand(name: str, id: int, triggers: Mapping[int, tuple[str, int]], scope: Scope) -> tuple[str, str] | None:
    kind, workflow_id = triggers[id]
    if kind != "Manual" or workflow_id == scope.workflow_id:
        return None
    return name, f"{id} has a Manual trigger: it has no cycles that something else could wait for"


def cycle_fault(scope: Scope, nodes: Collection[Node]) -> list[Fault]:
    """A same-cycle loop through what changes, as a fault that shows the way round.

    A workflow is two points: its entry (minus its id) before its inner tasks, its end (its id) after them.
    """
    changed = {node.id: node for node in nodes}
    edges: dict[int, list[int]] = {}
    for node in nodes:
        needs = [
            id for id, dependency in zip(node.upstreams, node.dependencies, strict=True)
            if id is not None and dependency.type == "Normal"
        ]  # fmt: skip
        if node.kind == "Task":
            edges[node.id] = [*needs, -scope.workflow_id]
        else:
            edges[-node.id] = needs
            edges[node.id] = [item.id for item in nodes if item.kind == "Task"] + [-node.id]
    for downstream, upstream in _outside(scope, edges):
        edges.setdefault(downstream, []).append(upstream)
    cycle = find_cycle(edges, [*changed, *(-id for id, node in changed.items() if node.kind == "Workflow")])
    if cycle is None:
        return []
    shown = " → ".join(_shown(id, changed) for id in [*cycle, cycle[0]])
    first = next((changed[abs(id)] for id in cycle if abs(id) in changed and changed[abs(id)].kind == "Task"), None)
    path = first.at("Dependencies") if first and -scope.workflow_id not in cycle else "Dependencies"
    return [Fault(path, f"a cycle of same-cycle dependencies: {shown}")]


def _shown(id: int, changed: Mapping[int, Node]) -> str:
    name = changed[abs(id)].name if abs(id) in changed else str(abs(id))
    return f"{name} (start)" if id < 0 else name


def _outside(scope: Scope, edges: Mapping[int, Iterable[int]]) -> Iterator[tuple[int, int]]:
    """The edges above what changes, as stored: read workflow by workflow until no other one is above."""
    seen = {scope.workflow_id}
    level = {abs(id) for needs in edges.values() for id in needs} - {abs(id) for id in edges}
    while level:
        owners = {workflow for _, workflow in definitions.triggers(scope.db, scope.env, level).values()} - seen
        seen |= owners
        inner = definitions.inner_tasks(scope.db, scope.env, owners)
        found = definitions.same_cycle_upstreams(scope.db, scope.env, [*owners, *(task for _, task in inner)])
        yield from ((-downstream if downstream in owners else downstream, upstream) for downstream, upstream in found)
        yield from ((task, -workflow) for workflow, task in inner)
        yield from inner
        yield from ((workflow, -workflow) for workflow in owners)
        level = {upstream for _, upstream in found} if owners else set[int]()


def dependants_faults(
    scope: Scope, gone: Collection[int], taken_away: Collection[str], path: Callable[[int], str]
) -> list[Fault]:
    """Things outside the workflow that depend on what the call takes away; each fault names up to ten of them."""
    outside = [
        item
        for item in definitions.dependants(scope.db, scope.env, scope.owned)
        if item.downstream_id not in scope.owned and (item.upstream_id in gone or item.upstream_output in taken_away)
    ]
    by_upstream: dict[int, list[int]] = {}
    for item in outside:
        by_upstream.setdefault(item.upstream_id, []).append(item.downstream_id)
    return [
        Fault(path(id), f"{id} cannot be taken away: {_listed(needing)} depend on it")
        for id, needing in sorted(by_upstream.items())
    ]


def _listed(ids: Collection[int]) -> str:
    shown = sorted(set(ids))
    more = f" and {len(shown) - 10} more" if len(shown) > 10 else ""
    return ", ".join(map(str, shown[:10])) + more
