"""The API over a scheduler whose runner does what a test says."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.scheduler.conftest import FakeRunner
from tidemill.scheduler.loop import Scheduler
from tidemill.store.engine import Database

DAY = 24 * 3_600_000
BIZDATE = 1_762_012_800_000  # 2025-11-02 00:00 in Shanghai, yesterday at the clock's start


def task(name: str, *upstreams: str, **fields: Any) -> dict[str, Any]:
    """A shell task with the output `x.<name>`, after the tasks named."""
    return {
        "Name": name,
        "Type": "DIDE_SHELL",
        "Owner": "1000",
        "RerunMode": "AllAllowed",
        "Trigger": {"Recurrence": "Normal"},
        "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
        "Outputs": {"TaskOutputs": [{"Output": f"x.{name}"}]},
        "Dependencies": [{"Type": "Normal", "UpstreamOutput": f"x.{up}"} for up in upstreams],
        **fields,
    }


class Plant:
    def __init__(self, database: Database, data: Path) -> None:
        self.api = Api(database, data)
        self.clock = self.api.clock
        self.runner = FakeRunner(self.clock)
        self.scheduler = Scheduler(database, self.runner, self.clock, boot="boot", default_slots=16)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        status, answer = self.api.call(action, **parameters)
        assert status == 200, answer
        return answer

    def refused(self, action: str, **parameters: Any) -> tuple[str, str]:
        status, answer = self.api.call(action, **parameters)
        assert status >= 400, answer
        return answer["Code"], answer["Message"]

    def create(self, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
        given = {"Name": "w", "Owner": "1000", "Trigger": {"Type": "Manual"}, **fields}
        return self.call("CreateWorkflow", ProjectId=10_000, Tasks=list(tasks), **given)

    def update(self, id: int, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return self.call("UpdateWorkflow", **self.body(id, *tasks, **fields))

    @staticmethod
    def body(id: int, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
        given = {"Id": id, "Name": "w", "Owner": "1000", "Trigger": {"Type": "Manual"}, "Tasks": list(tasks), **fields}
        return {name: value for name, value in given.items() if value is not ...}

    def workflow(self, id: int) -> dict[str, Any]:
        return self.call("GetWorkflow", Id=id)["Workflow"]

    def names(self, id: int) -> dict[str, int]:
        return {item["Name"]: item["Id"] for item in self.workflow(id)["Tasks"]}

    def get_task(self, id: int) -> dict[str, Any]:
        return self.call("GetTask", Id=id)["Task"]

    def run(self, workflow_id: int, **fields: Any) -> list[int]:
        """Create instances and turn once; the ids of the workflow instances."""
        given = {"ProjectId": 10_000, "WorkflowId": workflow_id, "Name": "r", "Type": "ManualWorkflow", **fields}
        operation = self.call("CreateWorkflowInstances", **given)["OperationId"]
        self.turn()
        result = self.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"]
        assert result["Status"] == "Created", result
        return result["WorkflowInstanceIds"]

    def turn(self) -> float | None:
        self.scheduler._unsettled += self.runner.wait(0)
        return self.scheduler.turn()

    def end(self, name: str, exit_code: int = 0) -> None:
        self.runner.end(self.instances()[name]["Id"], exit_code)
        self.turn()

    def instances(self, **fields: Any) -> dict[str, dict[str, Any]]:
        return {item["TaskName"]: item for item in self.listed(**fields)}

    def listed(self, **fields: Any) -> list[dict[str, Any]]:
        given = {"ProjectId": 10_000, "Bizdate": BIZDATE, "PageSize": 500, "SortBy": "Id Asc", **fields}
        return self.call("ListTaskInstances", **given)["PagingInfo"]["TaskInstances"]


@pytest.fixture
def plant(database: Database, tmp_path: Path) -> Plant:
    return Plant(database, tmp_path)
