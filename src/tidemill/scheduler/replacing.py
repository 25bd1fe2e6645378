"""InstanceMode Immediately: today's instances of a workflow become those of the version deployed now.

Source: scheduling-semantics 2.2; `domain.replacement` says which instances stay, go and come. All of it happens inside
the deployment's transaction. Where today's pass is still going on, the new instances become part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tidemill.domain.moments import wall_clock
from tidemill.domain.planning import in_window
from tidemill.domain.replacement import Replacement, Standing, replacement
from tidemill.domain.schedule import Cycle
from tidemill.scheduler.consequences import review
from tidemill.scheduler.links import link
from tidemill.scheduler.planner import PlanningRules, note_due
from tidemill.scheduler.planning import Maker, Planning, calendars_of, cycles_on, instances_step, read
from tidemill.scheduler.rows import Row
from tidemill.scheduler.values import Values
from tidemill.store import linking, making, operations, parameters, planning, replacing
from tidemill.store.ids import allocate
from tidemill.store.linking import Declared
from tidemill.store.operations import Operation
from tidemill.store.replacing import Container, Member
from tidemill.store.versions import workflows_at


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of a workflow in Prod that was written just now; `delay` is in seconds.

    `never_deployed` are its tasks that are new, `same_but_source` those of which nothing but the data source changed.
    """

    workflow_id: int
    version: int
    project_id: int
    project_name: str
    time_zone: str
    never_deployed: frozenset[int]
    same_but_source: frozenset[int]
    user: str
    rules: PlanningRules
    delay: int


def replace(db: Connection, now: int, deployed: Deployment) -> None:
    """Make today's instances those of this version; between the planning time and midnight nothing happens (G03)."""
    zone = ZoneInfo(deployed.time_zone)
    if in_window(now, zone, deployed.rules.planning_time):
        return
    today = wall_clock(now, zone).date()
    note_due(db, deployed.rules, deployed.time_zone, now)
    _Day(db, now, deployed, today - timedelta(days=1)).replace()


class _Rows(NamedTuple):
    containers: list[Row]
    tasks: list[Row]
    renewed: list[Row]
    edges: list[Row]


class _Day:
    """One business date of one workflow while its instances are replaced."""

    def __init__(self, db: Connection, now: int, deployed: Deployment, bizdate: date) -> None:
        self._db = db
        self._now = now
        self._deployed = deployed
        self._bizdate = bizdate
        keys = [(deployed.workflow_id, planning.ENV, version) for version in (deployed.version, deployed.version - 1)]
        found = {item.version: item for item in workflows_at(db, keys)}
        self._workflow = found[deployed.version]
        self._before = found.get(deployed.version - 1)
        self._pass = self._pass_in_progress()
        workspace = parameters.workspace(db, deployed.project_id, planning.ENV)
        self._maker = Maker(
            db,
            self._workflow,
            deployed.project_id,
            deployed.project_name,
            bizdate.isoformat(),
            self._pass[0].id if self._pass else 0,
            now,
            Values(self._workflow, deployed.time_zone, bizdate.isoformat(), workspace),
            calendars_of(db, [self._workflow], now + 1).get(self._workflow.id),
        )

    def _pass_in_progress(self) -> tuple[Operation, Planning] | None:
        for operation in operations.planning_in_progress(self._db):
            asked = read(operation.request)
            if (asked.time_zone, asked.bizdate) == (self._deployed.time_zone, self._bizdate.isoformat()):
                return operation, asked
        return None

    def replace(self) -> None:
        linked_later = self._join_pass() if self._pass else False
        cycles = {
            item.trigger_time: item for item in cycles_on(self._workflow, self._deployed.time_zone, self._bizdate)
        }
        threshold = self._now + self._deployed.delay * 1000
        there = self._containers()
        members = replacing.members(self._db, (item.id for item in there.values()))
        plan = replacement(
            (Standing(item.id, item.task_id, item.trigger_time, item.begun) for item in members),
            [task.id for task in self._workflow.tasks],
            self._deployed.never_deployed,
            cycles.keys(),
            threshold,
        )
        nodes = [self._workflow.id, *{task.id for task in self._workflow.tasks} | {item.task_id for item in members}]
        instances = [*(item.id for item in members), *(item.representative_id for item in there.values())]
        dependants = replacing.dependants(self._db, planning.ENV, nodes, instances)
        self._remove(plan, members)
        self._make(plan, cycles, threshold, there, members)
        if not linked_later:
            self._link(nodes, dependants)

    def _containers(self) -> dict[int, Container]:
        found = replacing.containers(self._db, planning.ENV, self._workflow.id, self._bizdate.isoformat())
        return {item.trigger_time: item for item in found}

    def _join_pass(self) -> bool:
        """Be part of the pass in progress; True when the pass itself will tie the instances to others."""
        assert self._pass is not None
        operation, asked = self._pass
        making_instances = operation.cursor < len(asked.units)
        unit = next((item for item in asked.units if item[0] == self._workflow.id), None)
        if making_instances and unit is not None:
            instances_step(asked, operation, self._now)(self._db, [unit])
        if making_instances or unit is not None:
            changed = asked.with_version((self._workflow.id, self._deployed.version, self._deployed.project_id))
            operations.change_request(self._db, operation.id, changed.model_dump_json())
        return making_instances

    def _remove(self, plan: Replacement, members: Sequence[Member]) -> None:
        versions = {item.id: item.task_version for item in members}
        gone: dict[int, list[int]] = {}
        for id in plan.removed:
            gone.setdefault(versions[id], []).append(id)
        for version, ids in gone.items():
            replacing.note(self._db, self._now, self._deployed.user, ids, self._reason(version))
        replacing.remove(self._db, plan.removed)

    def _reason(self, version: int) -> str:
        return f"made from version {version} of its task; version {self._deployed.version} of the workflow was deployed"

    def _make(
        self,
        plan: Replacement,
        cycles: Mapping[int, Cycle],
        threshold: int,
        there: Mapping[int, Container],
        members: Sequence[Member],
    ) -> None:
        """Bring the workflow instances of the changed times to what the plan says."""
        removed = set(plan.removed)
        inside: dict[int, dict[int, Member]] = {}
        for item in members:
            if item.id not in removed:
                inside.setdefault(item.trigger_time, {})[item.task_id] = item
        later = {time for time in cycles if time > threshold}
        expired = {time for _, time in plan.expired}
        self._clear(there, inside, later, threshold)
        rows = _Rows([], [], [], [])
        made: dict[int, list[int]] = {}
        for task, time in (*plan.made, *plan.expired):
            made.setdefault(time, []).append(task)
        renewed = {item.trigger_time for item in members if item.id in plan.renewed}
        again = set(plan.renewed)
        for time in sorted((later - there.keys()) | made.keys() | renewed):
            kept, new = inside.get(time, {}), made.get(time, [])
            self._cycle(cycles[time], there.get(time), kept, new, again, time in expired, rows)
        self._write(rows, {item.id for item in members if item.status == "Success"})
        opened = {item.representative_id for item in there.values() if item.opened}
        touched = {item.representative_id for time, item in there.items() if time in inside or time in later}
        replacing.recount(self._db, touched)
        review(self._db, self._now, touched & opened)

    def _clear(
        self, there: Mapping[int, Container], inside: Mapping[int, object], later: set[int], threshold: int
    ) -> None:
        """Let workflow instances go that hold nothing any more, and the others show the new version."""
        after = [item for time, item in there.items() if time > threshold]
        gone = [item for item in after if item.trigger_time not in later and item.trigger_time not in inside]
        replacing.remove_containers(self._db, gone)
        definition = self._workflow.definition
        kept = [item for item in after if item.trigger_time in later and not item.opened]
        replacing.rename(self._db, kept, self._workflow.version, definition.name, definition.owner)

    def _cycle(
        self,
        cycle: Cycle,
        container: Container | None,
        kept: Mapping[int, Member],
        tasks: Sequence[int],
        renewed: set[int],
        expired: bool,
        rows: _Rows,
    ) -> None:
        """The rows of one trigger time: of `tasks` that are to be, and of the kept ones that are renewed."""
        fresh = dict(zip(tasks, allocate(self._db, len(tasks)), strict=True)) if tasks else {}
        again = {task: item.id for task, item in kept.items() if item.id in renewed and self._changed(task)}
        if container is None:
            ids = allocate(self._db, 3)
            made = self._maker.container(cycle, ids[0], ids[1], ids[2])
            rows.containers.append(made.row())
            rows.tasks.append(made.representative(inner=len(tasks)))
        else:
            made = self._maker.container(cycle, container.id, container.representative_id, 0)
        opened = container is not None and container.opened
        written = self._maker.task_rows(
            made.shared(), cycle, fresh | again, beside=kept.keys(), opened=opened, expired=expired
        )
        rows.tasks.extend([row for row in written if row["task_id"] in fresh])
        rows.renewed.extend([row for row in written if row["task_id"] in again])
        every = {task: item.id for task, item in kept.items()} | fresh
        changed = {*fresh.values(), *again.values()}
        rows.edges.extend([row for row in self._maker.inner_edges(every) if row["downstream_id"] in changed])

    def _changed(self, task: int) -> bool:
        """False where nothing but the data source changed, which leaves instances as they are."""
        before = self._before
        same = before is not None and before.definition.parameters == self._workflow.definition.parameters
        return not (same and task in self._deployed.same_but_source)

    def _write(self, rows: _Rows, succeeded: set[int]) -> None:
        renewed = [row["id"] for row in rows.renewed]
        containers = {row["workflow_instance_id"] for row in rows.renewed}
        replacing.cut_inside(self._db, renewed, containers)
        replacing.renew(self._db, rows.renewed)
        making.add(self._db, rows.containers, rows.tasks, [])
        edges = [{**row, "satisfied": int(row["upstream_id"] in succeeded)} for row in rows.edges]
        making.add_edges(self._db, edges)
        linking.recount(self._db, self._now, [*renewed, *(row["id"] for row in rows.tasks)])
        detail = f"version {self._deployed.version} of the workflow was deployed"
        replacing.note(self._db, self._now, self._deployed.user, renewed, detail)

    def _link(self, nodes: Sequence[int], dependants: set[int]) -> None:
        """Tie the instances to those of other workflows, and what follows them to what there is now."""
        every = sorted({*nodes, *dependants})
        declared: list[Declared] = linking.declared(self._db, planning.ENV, every)
        link(self._db, self._now, planning.ENV, every, self._bizdate, declared, fresh=False)
