"""Bodies of loops: each is stored as a workflow of its own, under the id and version of the loop's task."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tidemill.actions.matching import stored_text
from tidemill.domain.definitions import Task, Workflow, WorkflowTrigger
from tidemill.store import definitions
from tidemill.store.ids import allocate
from tidemill.store.statements import insert_many
from tidemill.store.tables import task_version
from tidemill.store.versions import workflows_at


@dataclass(frozen=True, slots=True)
class Author:
    """Where, when and by whom a definition is written."""

    env: str
    now: int
    user: str


def write_bodies(db: Connection, author: Author, looping: Iterable[tuple[int, int, Task]]) -> None:
    """(task id, version, loop) of loops that changed. A task of the body keeps its id as long as it keeps its name."""
    listed = list(looping)
    before = {item.id: item for item in workflows_at(db, [(id, author.env, version - 1) for id, version, _ in listed])}
    rows: list[dict[str, Any]] = []
    for id, version, loop in listed:
        known = {task.definition.name: task.id for task in before[id].tasks} if id in before else {}
        new = [task.name for task in loop.sub_tasks if task.name not in known]
        known |= dict(zip(new, allocate(db, len(new)), strict=True)) if new else {}
        body = Workflow(name=loop.name, owner=loop.owner, trigger=WorkflowTrigger(type="Manual"))
        definitions.add_workflow_version(
            db,
            workflow_id=id,
            env=author.env,
            version=version,
            name=loop.name,
            definition=body.model_dump_json(by_alias=True, exclude_none=True),
            tasks=json.dumps([[known[task.name], version] for task in loop.sub_tasks]),
            create_time=author.now,
            create_user=author.user,
        )
        rows += [
            {
                "task_id": known[task.name],
                "env": author.env,
                "version": version,
                "name": task.name,
                "type": task.type,
                "owner": task.owner,
                "script": task.script.content if task.script else None,
                "definition": stored_text(task),
                "create_time": author.now,
                "create_user": author.user,
            }
            for task in loop.sub_tasks
        ]
    insert_many(db, task_version, rows)
