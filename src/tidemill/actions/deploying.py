"""Putting a workflow in place: all of CreateWorkflow and UpdateWorkflow that touches the database.

The call is one transaction; every fault is found before anything is written. A task or workflow that did not change
keeps its version, and an update that changes nothing writes nothing (engine 3).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tidemill.actions.bodies import Author, write_bodies
from tidemill.actions.linking import Node, Scope, cycle_fault, dependants_faults, output_faults, resolve
from tidemill.actions.matching import Matched, match, new_code, stored_text
from tidemill.actions.passing import passing_faults
from tidemill.actions.referencing import reference_faults, referenced_fault
from tidemill.domain.definitions import Script, Tag, Task, Workflow
from tidemill.domain.drafts import default_outputs
from tidemill.domain.errors import Fault, InvalidRequest
from tidemill.domain.validation import Limits, workflow_faults
from tidemill.scheduler.planner import PlanningRules
from tidemill.scheduler.replacing import Deployment, replace
from tidemill.scheduler.undeploy import undeploy
from tidemill.settings import Settings
from tidemill.store import calendars, definitions, planning
from tidemill.store.definitions import AnyRow, StoredTask
from tidemill.store.ids import allocate
from tidemill.store.members import Project
from tidemill.store.statements import insert_many
from tidemill.store.tables import dependency, tag, task_output, task_version


@dataclass(frozen=True, slots=True)
class Target:
    """Where a workflow is put; `current` is its row, None for a new one."""

    db: Connection
    now: int
    user: str
    settings: Settings
    env: str
    project: Project
    current: AnyRow | None


@dataclass(frozen=True, slots=True)
class Deployed:
    id: int
    client_unique_code: str
    task_ids: dict[str, int]


def limits(settings: Settings) -> Limits:
    return Limits(settings.max_tasks, settings.max_upstreams, settings.max_script, settings.max_parameters)


def deploy(target: Target, asked: Workflow) -> Deployed:
    """Put `asked` in place. Raises InvalidRequest with every fault of the first stage that found any."""
    _refuse(
        workflow_faults(asked, limits(target.settings)) + _calendar_fault(target, asked) + _code_fault(target, asked)
    )
    id = target.current.id if target.current is not None else allocate(target.db, 1)[0]
    stored = definitions.tasks_of(target.db, id, target.env) if target.current is not None else []
    matched = _match(target, id, asked, stored) if asked.tasks is not None else _unchanged(stored)
    _refuse(reference_faults(target.db, target.env, target.project.id, id, matched))
    ids = _identify(target, matched)
    scope = Scope(
        target.db, target.env, target.project.name, id, frozenset({id, *ids.values(), *(item.id for item in stored)})
    )
    nodes = _nodes(id, asked, matched, ids)
    _refuse(output_faults(scope, nodes))
    _refuse(resolve(scope, nodes))
    _refuse(passing_faults(scope, nodes, {ids[item.index]: item.task for item in matched} if asked.tasks else {}))
    _refuse(cycle_fault(scope, nodes))
    gone = {item.id for item in stored} - set(ids.values())
    _refuse(_taken_away(target, scope, nodes, gone, stored))
    code = target.current.client_unique_code if target.current is not None else asked.client_unique_code
    return _write(target, asked, id, code or new_code("Workflow"), matched, ids, nodes, sorted(gone))


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidRequest(faults)


def _calendar_fault(target: Target, asked: Workflow) -> list[Fault]:
    id = asked.trigger.calendar_id
    if id is None or asked.trigger.type != "Scheduler" or calendars.applies(target.db, id, target.project.id):
        return []
    return [Fault("Trigger.CalendarId", f"no calendar {id} applies to project {target.project.id}")]


def _code_fault(target: Target, asked: Workflow) -> list[Fault]:
    current, code = target.current, asked.client_unique_code
    if current is None or code is None or code == current.client_unique_code:
        return []
    return [Fault("ClientUniqueCode", "not the code with which the workflow was created")]


def _match(target: Target, id: int, asked: Workflow, stored: Sequence[StoredTask]) -> list[Matched]:
    tasks = asked.tasks or ()
    mine = {item.client_unique_code for item in stored}
    codes = {task.client_unique_code for task in tasks if task.client_unique_code} - mine
    elsewhere = definitions.tasks_by_code(target.db, target.env, codes) if codes else {}
    matched, faults = match(id, tasks, stored, elsewhere, asked, target.settings)
    _refuse(faults)
    return matched


def _unchanged(stored: Sequence[StoredTask]) -> list[Matched]:
    """`Tasks` was absent: the workflow's tasks stay as they are."""
    return [Matched(index, _restored(item), item.client_unique_code, item) for index, item in enumerate(stored)]


def _restored(item: StoredTask) -> Task:
    task = Task.model_validate_json(item.definition)
    if item.script is None:
        return task
    return task.model_copy(
        update={"script": Script(content=item.script, parameters=task.script.parameters if task.script else None)}
    )


def _identify(target: Target, matched: Sequence[Matched]) -> dict[int, int]:
    """Index in the request: task id; new tasks get theirs now."""
    new = [item.index for item in matched if item.stored is None]
    fresh = dict(zip(new, allocate(target.db, len(new)), strict=True)) if new else {}
    return {item.index: item.stored.id if item.stored else fresh[item.index] for item in matched}


def _nodes(id: int, asked: Workflow, matched: Sequence[Matched], ids: dict[int, int]) -> list[Node]:
    own = asked.outputs.task_outputs if asked.outputs else ()
    workflow = Node("Workflow", id, asked.name, "", own, asked.dependencies)
    tasks = [
        Node(
            "Task",
            ids[item.index],
            item.task.name,
            item.path,
            item.task.outputs.task_outputs if item.task.outputs else (),
            item.task.dependencies,
        )
        for item in matched
    ]
    return [workflow, *tasks]


def _taken_away(
    target: Target, scope: Scope, nodes: Sequence[Node], gone: set[int], stored: Sequence[StoredTask]
) -> list[Fault]:
    """What others depend on may not go: deleted tasks, and outputs that nothing of this call provides any more."""
    if target.current is None:
        return []
    named = [(target.current.id, target.current.name), *((item.id, item.name) for item in stored)]
    before = set(definitions.outputs_of(target.db, target.env, scope.owned))
    before |= {output for id, name in named for output in default_outputs(target.project.name, id, name)}
    after = {out.output for node in nodes for out in node.outputs}
    after |= {output for node in nodes for output in default_outputs(target.project.name, node.id, node.name)}
    paths = {node.id: node.at("Outputs") for node in nodes}
    return dependants_faults(scope, gone, before - after, lambda id: paths.get(id, "Tasks"))


def _write(
    target: Target,
    asked: Workflow,
    id: int,
    code: str,
    matched: Sequence[Matched],
    ids: dict[int, int],
    nodes: Sequence[Node],
    gone: Sequence[int],
) -> Deployed:
    by_id = {node.id: node for node in nodes}
    texts = {item.index: stored_text(item.task) for item in matched}
    changed = [item for item in matched if _differs(item, texts[item.index])]
    versions = {item.index: item.stored.version if item.stored else 0 for item in matched}
    for item in changed:
        versions[item.index] += 1
    definition = asked.model_copy(update={"tasks": None, "client_unique_code": None, "env_type": None})
    text = definition.model_dump_json(by_alias=True, exclude_none=True, include=set(Workflow.model_fields))
    listed = json.dumps([[ids[item.index], versions[item.index]] for item in matched], separators=(",", ":"))
    deployed = Deployed(id, code, {item.task.name: ids[item.index] for item in matched})
    version = target.current.version if target.current is not None else 0
    if version and definitions.is_version(target.db, id, target.env, version, text, listed):
        return deployed
    if gone:
        definitions.delete_tasks(target.db, target.env, gone)
    definitions.clear(target.db, target.env, [id, *(ids[item.index] for item in changed)])
    _write_workflow(target, asked, id, code, version + 1, text, listed, _links(nodes))
    _write_tasks(target, id, changed, ids, versions, texts)
    looping = [(ids[item.index], versions[item.index], item.task) for item in changed if item.task.sub_tasks]
    write_bodies(target.db, Author(target.env, target.now, target.user), looping)
    rewritten = [by_id[id], *(by_id[ids[item.index]] for item in changed)]
    tags = [(by_id[id], asked.tags), *((by_id[ids[item.index]], item.task.tags) for item in changed)]
    _write_links(target, rewritten, tags)
    if asked.instance_mode == "Immediately" and target.env == planning.ENV:
        new = frozenset(ids[item.index] for item in matched if item.stored is None)
        same = frozenset(ids[item.index] for item in changed if _same_but_source(item, texts[item.index]))
        replace(target.db, target.now, _deployment(target, asked, id, version + 1, new, same))
    if gone:
        undeploy(target.db, target.now, target.env, gone, target.user)
    return deployed


def _same_but_source(item: Matched, text: str) -> bool:
    stored = item.stored
    if stored is None or stored.script != (item.task.script.content if item.task.script else None):
        return False
    old, new = Task.model_validate_json(stored.definition), Task.model_validate_json(text)
    return old == new.model_copy(update={"data_source": old.data_source})


def _deployment(
    target: Target, asked: Workflow, id: int, version: int, new: frozenset[int], same_but_source: frozenset[int]
) -> Deployment:
    return Deployment(
        workflow_id=id,
        version=version,
        project_id=target.project.id,
        project_name=target.project.name,
        time_zone=asked.trigger.time_zone or target.project.time_zone,
        never_deployed=new,
        same_but_source=same_but_source,
        user=target.user,
        rules=PlanningRules.of(target.settings),
        delay=target.settings.immediate_delay,
    )


def _links(nodes: Sequence[Node]) -> str:
    """The dependencies as they are resolved now: a planning of this version may come after the next one's."""
    links = [
        [node.id, dependency.type, upstream]
        for node in nodes
        for dependency, upstream in zip(node.dependencies, node.upstreams, strict=True)
    ]
    return json.dumps(links, separators=(",", ":"))


def _differs(item: Matched, text: str) -> bool:
    stored = item.stored
    content = item.task.script.content if item.task.script else None
    return stored is None or stored.definition != text or stored.script != content


def _authors(target: Target, created: tuple[int, str | None] | None) -> dict[str, Any]:
    time, user = created or (target.now, target.user)
    return {"create_time": time, "create_user": user, "modify_time": target.now, "modify_user": target.user}


def _write_workflow(
    target: Target, asked: Workflow, id: int, code: str, version: int, text: str, listed: str, links: str
) -> None:
    current, trigger = target.current, asked.trigger
    scheduled = trigger.type == "Scheduler"
    definitions.put_workflow(
        target.db,
        {
            "id": id,
            "env": target.env,
            "project_id": target.project.id,
            "version": version,
            "name": asked.name,
            "owner": asked.owner,
            "description": asked.description,
            "client_unique_code": code,
            "trigger_type": trigger.type,
            "cron": trigger.cron if scheduled else None,
            "start_time": trigger.start_time if scheduled else None,
            "end_time": trigger.end_time if scheduled else None,
            "time_zone": trigger.time_zone if scheduled else None,
            "calendar_id": trigger.calendar_id if scheduled else None,
            "recurrence": "Normal" if current is None else current.recurrence,
            "parameters": asked.parameters,
            "instance_mode": asked.instance_mode or "T+1",
            **_authors(target, (current.create_time, current.create_user) if current is not None else None),
        },
        new=current is None,
    )
    definitions.add_workflow_version(
        target.db,
        workflow_id=id,
        env=target.env,
        version=version,
        name=asked.name,
        definition=text,
        tasks=listed,
        links=links,
        create_time=target.now,
        create_user=target.user,
    )


def _write_tasks(
    target: Target,
    workflow_id: int,
    changed: Sequence[Matched],
    ids: dict[int, int],
    versions: dict[int, int],
    texts: dict[int, str],
) -> None:
    rows = [
        {
            "id": ids[item.index],
            "env": target.env,
            "project_id": target.project.id,
            "workflow_id": workflow_id,
            "version": versions[item.index],
            "name": item.task.name,
            "type": item.task.type,
            "owner": item.task.owner,
            "client_unique_code": item.code,
            "trigger_type": item.task.trigger.type,
            "recurrence": item.task.trigger.recurrence,
            "resource_group_id": item.task.runtime_resource.resource_group_id,
            "priority": 1,
            **_authors(target, (item.stored.create_time, item.stored.create_user) if item.stored else None),
        }
        for item in changed
    ]
    definitions.put_tasks(target.db, rows, {item.stored.id for item in changed if item.stored})
    insert_many(
        target.db,
        task_version,
        [
            {
                "task_id": ids[item.index],
                "env": target.env,
                "version": versions[item.index],
                "name": item.task.name,
                "type": item.task.type,
                "owner": item.task.owner,
                "script": item.task.script.content if item.task.script else None,
                "definition": texts[item.index],
                "create_time": target.now,
                "create_user": target.user,
            }
            for item in changed
        ],
    )


def _write_links(target: Target, nodes: Sequence[Node], tags: Sequence[tuple[Node, Sequence[Tag]]]) -> None:
    env, db = target.env, target.db
    owners = {out.output: node.id for node in nodes for out in node.outputs}
    insert_many(
        db,
        task_output,
        [
            {"env": env, "output": out.output, "owner_kind": node.kind, "owner_id": node.id}
            for node in nodes
            for out in node.outputs
        ],
    )
    definitions.move_outputs(db, env, owners)
    insert_many(
        db,
        dependency,
        [
            {
                "env": env,
                "downstream_kind": node.kind,
                "downstream_id": node.id,
                "ordinal": ordinal,
                "type": item.type,
                "upstream_output": item.upstream_output,
                "upstream_id": upstream,
            }
            for node in nodes
            for ordinal, (item, upstream) in enumerate(zip(node.dependencies, node.upstreams, strict=True))
        ],
    )
    insert_many(
        db,
        tag,
        [
            {"object_kind": node.kind, "object_id": node.id, "env": env, "key": item.key, "value": item.value or ""}
            for node, listed in tags
            for item in listed
        ],
    )


def delete_workflow(target: Target) -> None:
    """Delete the current workflow and its tasks. Raises InvalidRequest if something outside depends on them."""
    assert target.current is not None
    id, env = target.current.id, target.env
    _refuse(referenced_fault(target.db, env, id))
    task_ids = [item.id for item in definitions.tasks_of(target.db, id, env)]
    scope = Scope(target.db, env, target.project.name, id, frozenset({id, *task_ids}))
    _refuse(dependants_faults(scope, {id, *task_ids}, set(), lambda _: "Id"))
    if task_ids:
        undeploy(target.db, target.now, env, task_ids, target.user)
        definitions.delete_tasks(target.db, env, task_ids)
    definitions.delete_workflow(target.db, env, id)
