"""`make demo`: the main job on a fresh server, done as a user does it, with the official Python SDK."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from alibabacloud_dataworks_public20240518 import models
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions
from rich.console import Console
from rich.table import Table

PROJECT = 10_000
# Two business dates whose cycles are in the past, wherever the clock and the project's zone stand.
DATES = tuple((datetime.now(UTC).date() - timedelta(days=days)).isoformat() for days in (4, 3))
EXPECTED = {"extract": "Success", "clean": "Success", "count": "Success", "publish": "Success"}
_PATIENCE = 50.0  # seconds


def run() -> int:
    """Do the job and show it; 0 only if every state is the expected one."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    console = Console()
    with tempfile.TemporaryDirectory(prefix="tidemill-demo-") as directory, _server(directory) as client:
        workflow_id, task_ids = _create(client)
        console.print(f"CreateWorkflow made workflow {workflow_id} with tasks {', '.join(task_ids)}")
        _update(client, workflow_id, task_ids)
        console.print("UpdateWorkflow changed clean, added count and publish, and dropped report")
        instances = _run(client, workflow_id)
        good = [_show(client, console, date, id) for date, id in zip(DATES, instances, strict=True)]
    console.print(
        "[green]every state is the expected one[/]" if all(good) else "[red]not every state is as expected[/]"
    )
    return 0 if all(good) else 1


@contextmanager
def _server(directory: str) -> Generator[Client]:
    """A server of its own on a free port, and a client for it."""
    key, secret = "LTAIdemo", "demo-secret-of-a-server-that-lives-for-seconds"
    process = subprocess.Popen(
        [sys.executable, "-m", "tidemill.cli.main", "serve", "--port", "0", "--data", f"{directory}/data"],
        env={**os.environ, "TIDEMILL_ACCESS_KEY_ID": key, "TIDEMILL_ACCESS_KEY_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://(\S+)", line)
        if found is None:
            raise RuntimeError(f"the server did not start: {line}")
        print(line.strip())
        yield Client(Config(access_key_id=key, access_key_secret=secret, endpoint=found[1], protocol="HTTP"))
    finally:
        process.terminate()
        process.wait()


def _task(name: str, script: str, upstream: str | None = None, **fields: Any) -> dict[str, Any]:
    given = {
        "Name": name,
        "Type": "DIDE_SHELL",
        "Owner": "1000",
        "RerunMode": "AllAllowed",
        "Script": {"Content": script, "Parameters": "day=$bizdate"},
        "Trigger": {"Type": "Scheduler", "Recurrence": "Normal"},
        "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
        "Outputs": {"TaskOutputs": [{"Output": f"demo.{name}"}]},
    }
    if upstream:
        given["Dependencies"] = [{"Type": "Normal", "UpstreamOutput": f"demo.{upstream}"}]
    return {**given, **fields}


_TRIGGER = {"Type": "Scheduler", "Cron": "00 30 01 * * ?"}


def _create(client: Client) -> tuple[int, dict[str, int]]:
    """CreateWorkflow is Tidemill's own: the SDK reaches it by its generic call."""
    import json

    tasks = [
        _task("extract", "echo extracting"),
        _task("clean", "echo cleaning", "extract"),
        _task("report", "echo reporting", "clean"),
    ]
    action = Params(
        action="CreateWorkflow",
        version="2024-05-18",
        protocol="HTTP",
        method="POST",
        auth_type="AK",
        style="RPC",
        pathname="/",
        req_body_type="formData",
        body_type="json",
    )
    body = {"ProjectId": PROJECT, "Name": "demo", "Owner": "1000", "Trigger": json.dumps(_TRIGGER)}
    request = OpenApiRequest(body={**body, "Tasks": json.dumps(tasks)})
    answer = client.call_api(action, request, RuntimeOptions())["body"]
    return answer["Id"], answer["TaskIds"]


def _update(client: Client, workflow_id: int, task_ids: dict[str, int]) -> None:
    """A full update: tasks with Id are replaced, those without are new, those left out are dropped."""
    tasks = [
        _task("extract", 'echo "extracting $1"; sleep 0.2', Id=task_ids["extract"]),
        _task("clean", 'echo "cleaning ${day}"', "extract", Id=task_ids["clean"]),
        _task("count", "import sys\nprint('counting', sys.argv[1])", "extract", Type="PYTHON"),
        _task("publish", "echo publishing", "clean"),
    ]
    tasks[-1]["Dependencies"].append({"Type": "Normal", "UpstreamOutput": "demo.count"})
    request = models.UpdateWorkflowRequest().from_map(
        {"Id": workflow_id, "Name": "demo", "Owner": "1000", "Trigger": _TRIGGER, "Tasks": tasks}
    )
    client.update_workflow(request)


def _run(client: Client, workflow_id: int) -> Sequence[int]:
    """Backfill two business dates and wait until both have ended."""
    request = models.CreateWorkflowInstancesRequest().from_map(
        {
            "ProjectId": PROJECT,
            "WorkflowId": workflow_id,
            "Name": "demo run",
            "Type": "SupplementData",
            "Periods": {"BizDates": [{"StartBizDate": DATES[0], "EndBizDate": DATES[-1]}]},
            "DefaultRunProperties": {"Parallelism": 2},
        }
    )
    operation = client.create_workflow_instances(request).body.operation_id
    end = time.monotonic() + _PATIENCE
    asked = models.GetCreateWorkflowInstancesResultRequest(operation_id=operation)
    while (result := client.get_create_workflow_instances_result(asked).body.result).status == "Creating":
        _pause(end)
    ids = result.workflow_instance_ids
    for id in ids:
        one = models.GetWorkflowInstanceRequest(id=id)
        while client.get_workflow_instance(one).body.workflow_instance.status not in ("Success", "Failure"):
            _pause(end)
    return ids


def _pause(end: float) -> None:
    if time.monotonic() > end:
        raise TimeoutError("the demo's workflow did not end in time")
    time.sleep(0.05)


def _show(client: Client, console: Console, date: str, id: int) -> bool:
    """The graph of one date with states, times and the tail of each log."""
    instance = client.get_workflow_instance(models.GetWorkflowInstanceRequest(id=id)).body.workflow_instance
    request = models.ListTaskInstancesRequest(
        project_id=PROJECT, bizdate=instance.biz_date, workflow_instance_id=id, page_size=100, sort_by="Id Asc"
    )
    found = client.list_task_instances(request).body.paging_info.task_instances
    table = Table(
        "task", "after", "state", "started", "finished", "log", title=f"business date {date}: {instance.status}"
    )
    for item in found:
        task = client.get_task(models.GetTaskRequest(id=item.task_id)).body.task
        after = [dependency.upstream_output or "" for dependency in task.dependencies or []]
        text = client.get_task_instance_log(models.GetTaskInstanceLogRequest(id=item.id)).body.task_instance_log
        times = [_clock(item.started_time), _clock(item.finished_time)]
        table.add_row(item.task_name, "\n".join(after), item.status, *times, text.strip()[-60:])
    console.print(table)
    return instance.status == "Success" and {item.task_name: item.status for item in found} == EXPECTED


def _clock(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%H:%M:%S.%f}"[:-3]


if __name__ == "__main__":
    sys.exit(run())
