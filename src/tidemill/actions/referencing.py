"""Workflows that others run as a SUB_PROCESS: what they must be, and that they cannot be taken away."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tidemill.actions.matching import Matched
from tidemill.domain.control.kinds import SUB_PROCESS
from tidemill.domain.control.sub_process import nesting_fault, read_sub_process
from tidemill.domain.errors import Fault
from tidemill.store import definitions, linking
from tidemill.store.references import references


def reference_faults(
    db: Connection, env: str, project_id: int, workflow_id: int, matched: Sequence[Matched]
) -> list[Fault]:
    """Faults of the references that a workflow makes; source: scheduling-semantics 5.9."""
    named = [item for item in matched if item.task.type == SUB_PROCESS]
    if not named:
        return []
    known: dict[int, list[int]] = {}
    for workflow, _, referenced in references(db, env):
        if workflow != workflow_id:
            known.setdefault(workflow, []).append(referenced)
    faults: list[Fault] = []
    for item in named:
        path = f"{item.path}.Script.Content"
        referenced = read_sub_process(item.task.script.content if item.task.script else None)
        known.setdefault(workflow_id, []).append(referenced)
        says = _fault(db, env, project_id, referenced) or nesting_fault(workflow_id, known)
        if says:
            faults.append(Fault(path, f"workflowId: {says}"))
    return faults


def _fault(db: Connection, env: str, project_id: int, id: int) -> str | None:
    row = definitions.find_workflow(db, id, env)
    if row is None or row.project_id != project_id:
        return f"there is no workflow {id} in {env} of this project"
    if row.trigger_type != "Manual":
        return "a workflow with a Manual trigger is expected: it runs when it is referenced"
    inside = {id, *(item.id for item in definitions.tasks_of(db, id, env))}
    outside = [item for item in linking.declared(db, env, inside) if item.upstream not in {None, *inside}]
    return "a workflow without dependencies on anything outside it is expected" if outside else None


def referenced_fault(db: Connection, env: str, workflow_id: int) -> list[Fault]:
    """A workflow that others reference cannot be deleted."""
    users = [task for workflow, task, referenced in references(db, env) if referenced == workflow_id != workflow]
    if not users:
        return []
    return [
        Fault("Id", f"{workflow_id} cannot be taken away: the SUB_PROCESS tasks {', '.join(map(str, users))} run it")
    ]
