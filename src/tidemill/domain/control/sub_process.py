"""SUB_PROCESS: the workflow that a task runs, and how references may be nested (scheduling-semantics 5.9)."""

from collections.abc import Mapping, Sequence

from tidemill.domain.control.content import block, read_json
from tidemill.domain.errors import Malformed

MAX_LEVELS = 5  # the referencing workflow is the first
MAX_WORKFLOWS = 200


def read_sub_process(content: str | None) -> int:
    """The id of the referenced workflow. Raises Malformed where it names none."""
    found = block(read_json(content, '{"workflowId": 100001}'), "subflow", "sub-process")
    id = found.get("workflowId")
    if isinstance(id, str) and id.isdecimal():
        id = int(id)
    if not isinstance(id, int) or isinstance(id, bool):
        raise Malformed("workflowId: the id of the workflow to run is expected")
    return id


def nesting_fault(start: int, references: Mapping[int, Sequence[int]]) -> str | None:
    """What is wrong with the tree of references below `start`; `references` are each workflow's."""
    level, seen, depth = {start}, {start}, 1
    while level := {id for known in level for id in references.get(known, ())}:
        depth += 1
        if start in level:
            return "a workflow that does not lead back to this one is expected"
        if depth > MAX_LEVELS:
            return f"at most {MAX_LEVELS} levels of referenced workflows are expected"
        seen |= level
    return f"at most {MAX_WORKFLOWS} workflows are expected" if len(seen) > MAX_WORKFLOWS else None
