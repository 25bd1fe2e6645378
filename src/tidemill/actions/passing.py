"""What a task takes from the tasks directly above it: variables, and the ends on which a merge decides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidemill.actions.linking import Node, Scope
from tidemill.domain.control.kinds import ASSIGNMENT, MERGE
from tidemill.domain.control.merge import read_merge
from tidemill.domain.definitions import Task, Variable
from tidemill.domain.drafts import default_outputs
from tidemill.domain.errors import Fault, Malformed
from tidemill.domain.variables import OUTPUTS_NAME, source_of
from tidemill.store import definitions

_REFERENCES = ("NodeOutput", "PassThrough")


@dataclass(frozen=True, slots=True)
class _Above:
    """The outputs that lead to a task's direct upstreams, each with that task's id."""

    owners: Mapping[str, int]

    def fault(self, path: str, output: str) -> Fault | None:
        if output in self.owners:
            return None
        return Fault(path, f"{output} is no output of a direct upstream: a Normal dependency on it is expected")


def passing_faults(scope: Scope, nodes: Sequence[Node], tasks: Mapping[int, Task]) -> list[Fault]:
    """References to what is not directly above, or to a variable that its task does not hand out.

    `nodes` are resolved; `tasks` are those of the request, by id. Source: scheduling-semantics 9.1, 10.2.
    """
    taking = [node for node in nodes if node.id in tasks and _takes(tasks[node.id])]
    if not taking:
        return []
    outputs = {node.id: {*(out.output for out in node.outputs), *default_outputs(scope.project, node.id, node.name)}
               for node in nodes}  # fmt: skip
    foreign = {id for node in taking for id in node.upstreams if id is not None and id not in outputs}
    for output, owner in definitions.outputs_of(scope.db, scope.env, foreign).items():
        outputs.setdefault(owner, set()).add(output)
    return [fault for node in taking for fault in _faults(node, tasks[node.id], _above(node, outputs), tasks)]


def _takes(task: Task) -> bool:
    return task.type == MERGE or bool(_inputs(task)) or any(item.type == "PassThrough" for item in _outputs(task))


def _inputs(task: Task) -> Sequence[Variable]:
    return task.inputs.variables if task.inputs else ()


def _outputs(task: Task) -> Sequence[Variable]:
    return task.outputs.variables if task.outputs else ()


def _above(node: Node, outputs: Mapping[int, set[str]]) -> _Above:
    owners: dict[str, int] = {}
    for dependency, id in zip(node.dependencies, node.upstreams, strict=True):
        if dependency.type != "Normal" or id is None:
            continue
        owners.update((output, id) for output in outputs.get(id, ()))
        if dependency.upstream_output is not None:
            owners[dependency.upstream_output] = id
    return _Above(owners)


def _faults(node: Node, task: Task, above: _Above, tasks: Mapping[int, Task]) -> Iterator[Fault]:
    listed = [("Inputs", index, item) for index, item in enumerate(_inputs(task)) if item.type in _REFERENCES]
    listed += [("Outputs", index, item) for index, item in enumerate(_outputs(task)) if item.type == "PassThrough"]
    for side, index, variable in listed:
        fault = _reference(f"{node.path}.{side}.Variables[{index}].Value", variable, above, tasks)
        if fault is not None:
            yield fault
    if task.type == MERGE:
        merge = read_merge(task.script.content if task.script else None)
        found = (above.fault(f"{node.path}.Script.Content", arm.output) for arm in merge.arms)
        yield from (fault for fault in found if fault is not None)


def _reference(path: str, variable: Variable, above: _Above, tasks: Mapping[int, Task]) -> Fault | None:
    try:
        source = source_of(variable)
    except Malformed as error:
        return Fault(path, str(error))
    if source is None:
        return None
    fault = above.fault(path, source.output)
    if fault is not None:
        return fault
    producer = tasks.get(above.owners[source.output])
    if producer is None:  # of another workflow
        return None
    names = [item.name or "" for item in _outputs(producer)] + [OUTPUTS_NAME] * (producer.type == ASSIGNMENT)
    if source.name in names:
        return None
    return Fault(path, f"{producer.name} hands out {', '.join(names) or 'no variables'}; {source.name} is not among it")
