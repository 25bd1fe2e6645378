"""A whole scheduler without processes: a clock that is told the time, and a runner that does what a test says."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.conftest import assert_promises_held
from tidemill.domain.creation import Creation
from tidemill.runners.contract import Result, Run
from tidemill.scheduler.loop import Scheduler
from tidemill.store import operations
from tidemill.store.engine import Database
from tidemill.store.ids import allocate
from tidemill.store.tables import (
    event,
    project,
    task,
    task_instance,
    task_version,
    workflow_instance,
    workflow_version,
)

DAY = 24 * 3_600_000
START = 1_762_128_000_000  # 2025-11-03 08:00 in Shanghai


class VirtualClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time


@dataclass
class FakeRunner:
    """Keeps what it was given; a test says how each run ends."""

    clock: VirtualClock
    name: str = "fake"
    runs: dict[tuple[int, int], Run] = field(default_factory=dict)
    live: dict[int, Run] = field(default_factory=dict)
    asked_to_stop: list[tuple[int, int]] = field(default_factory=list)
    acknowledged: list[Result] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)

    def start(self) -> None: ...

    def submit(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert (run.instance, run.run_number) not in self.runs, "doubled"
            self.runs[run.instance, run.run_number] = run
            self.live[run.instance] = run

    def stop(self, instance: int, run_number: int) -> None:
        self.asked_to_stop.append((instance, run_number))

    def alive(self) -> set[tuple[int, int]]:
        return {(run.instance, run.run_number) for run in self.live.values()}

    def acknowledge(self, results: Sequence[Result]) -> None:
        self.acknowledged += results

    def wait(self, timeout: float | None) -> list[Result]:
        arrived, self.results = self.results, []
        return arrived

    def output(self, log: str) -> str:
        return next((line for line in reversed(self.logs.get(log, "").splitlines()) if line.strip()), "")

    def wake(self) -> None: ...

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        return []

    def end(self, instance: int, exit_code: int | None = 0, outcome: str = "exited", log: str = "") -> None:
        run = self.live.pop(instance)
        self.logs[run.log] = log
        now = self.clock.now()
        self.results.append(Result(instance, run.run_number, outcome, exit_code, now, now))  # type: ignore[arg-type]


class World:
    """A workflow of named tasks, its runs, and the turns of the scheduler, by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = VirtualClock()
        self.runner = FakeRunner(self.clock)
        self.slots = 16
        self.scheduler = self.another_scheduler()
        self.tasks: dict[str, int] = {}
        self.workflow = 0

    def another_scheduler(self, boot: str = "boot") -> Scheduler:
        return Scheduler(self.database, self.runner, self.clock, boot=boot, default_slots=self.slots)

    def define(self, graph: dict[str, list[str]], **options: dict[str, Any]) -> None:
        """`graph`: task: its upstreams; `options`: task: fields that differ from the plain ones."""
        with self.database.write() as db:
            ids = allocate(db, 1 + len(graph))
            self.workflow = ids[0]
            self.tasks = dict(zip(graph, ids[1:], strict=True))
            db.execute(
                insert(workflow_version).values(
                    workflow_id=self.workflow, env="Prod", version=1, name="w", create_time=0,
                    definition='{"Name":"w","Owner":"1","Trigger":{"Type":"Manual"}}',
                    tasks=str([[id, 1] for id in self.tasks.values()]),
                    links=json.dumps(
                        [[self.tasks[name], "Normal", self.tasks[up]] for name, ups in graph.items() for up in ups]
                        + [
                            [self.tasks[name], item["Type"], item.get("UpstreamTaskId")]
                            for name, given in options.items()
                            for item in given.get("Dependencies", [])
                        ]
                    ),
                )
            )  # fmt: skip
            from tidemill.domain.definitions import Task

            for name, upstreams in graph.items():
                given = {
                    "Name": name, "Type": "DIDE_SHELL", "Owner": "1", "RerunMode": "AllAllowed",
                    "Trigger": {"Type": "Manual", "Recurrence": "Normal"},
                    "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
                    "Dependencies": [{"Type": "Normal", "UpstreamTaskId": self.tasks[up]} for up in upstreams],
                    **options.get(name, {}),
                }  # fmt: skip
                script = given.pop("Content", "true")
                definition = Task.model_validate(given).model_dump_json(by_alias=True, exclude_none=True)
                db.execute(
                    insert(task_version).values(
                        task_id=self.tasks[name], env="Prod", version=1, name=name, type=str(given["Type"]),
                        owner="1", script=script, definition=definition, create_time=0,
                    )
                )  # fmt: skip
                db.execute(
                    insert(task).values(
                        id=self.tasks[name], env="Prod", project_id=10_000, workflow_id=self.workflow, version=1,
                        name=name, type=str(given["Type"]), owner="1", client_unique_code=str(self.tasks[name]),
                        trigger_type="Manual", recurrence="Normal", resource_group_id="S_res_group_default",
                        create_time=0, modify_time=0,
                    )
                )  # fmt: skip

    def create(self, **fields: object) -> int:
        """Ask for instances and make them; returns the operation's id."""
        asked = {
            "type": "ManualWorkflow", "project_id": 10_000, "project_name": "default", "time_zone": "Asia/Shanghai",
            "workflow_id": self.workflow, "env": "Prod", "workflow_version": 1, "name": "run", "owner": "1",
            "user": "1", "bizdates": ("2025-11-02",), "groups": (1,),
        }  # fmt: skip
        request = Creation.model_validate({**asked, **fields})
        with self.database.write() as db:
            id = allocate(db, 1)[0]
            operations.add(
                db, id=id, uuid=str(id), kind="CreateWorkflowInstances", state="Creating", env="Prod",
                project_id=10_000, workflow_id=self.workflow, request=request.model_dump_json(), cursor=0,
                create_time=self.clock.now(),
            )  # fmt: skip
        return id

    def turn(self) -> float | None:
        self.scheduler._unsettled += self.runner.wait(0)
        return self.scheduler.turn()

    def instance(self, name: str, bizdate: str = "2025-11-02") -> int:
        with self.database.read() as db:
            t = task_instance.c
            statement = select(t.id).where(t.task_id == self.tasks[name], t.bizdate == bizdate, t.kind == "Task")
            return db.execute(statement.order_by(t.id.desc())).scalars().first()  # type: ignore[return-value]

    def end(
        self,
        name: str,
        exit_code: int | None = 0,
        outcome: str = "exited",
        bizdate: str = "2025-11-02",
        log: str = "",
    ) -> None:
        self.runner.end(self.instance(name, bizdate), exit_code, outcome, log)
        self.turn()

    def statuses(self) -> dict[str, str]:
        with self.database.read() as db:
            t = task_instance.c
            rows = db.execute(select(t.task_id, t.status).where(t.kind == "Task").order_by(t.id))
            names = {id: name for name, id in self.tasks.items()}
            return {names[row[0]]: row[1] for row in rows}

    def workflow_statuses(self) -> list[str]:
        with self.database.read() as db:
            t, w = task_instance.c, workflow_instance.c
            rows = db.execute(select(t.status).where(t.id == w.task_instance_id).order_by(t.id))
            return list(rows.scalars())

    def running(self) -> set[str]:
        names = {self.instance(name): name for name in self.tasks}
        return {names.get(id, str(id)) for id in self.runner.live}

    def history(self, name: str) -> list[str]:
        with self.database.read() as db:
            e = event.c
            statement = select(e.cause).where(e.instance_id == self.instance(name)).order_by(e.id)
            return list(db.execute(statement).scalars())

    def operate(self, deed: Callable[..., dict[int, str]], *names: str, **extra: object) -> list[str]:
        from tidemill.scheduler.operate import Operator

        with self.database.write() as db:
            answers = deed(db, Operator("op", self.clock.now()), [self.instance(name) for name in names], **extra)
        self.turn()
        return list(answers.values())


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with database.write() as db:
        db.execute(
            insert(project).values(
                id=10_000, name="p", owner="1", status="Available", time_zone="Asia/Shanghai", create_time=0,
                modify_time=0,
            )
        )  # fmt: skip
    yield World(database)
    assert_promises_held(database)
