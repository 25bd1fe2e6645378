"""Real server processes, and the official Python SDK as their client."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions

KEY, SECRET = "LTAIwhole", "whole-secret"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python SDK takes proxies from the environment, even for 127.0.0.1."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


class Server:
    """A data directory and the server process on it; `start` and `kill` may alternate."""

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.data = data
        self.options = options
        self.environment = {
            **os.environ, "TIDEMILL_ACCESS_KEY_ID": KEY, "TIDEMILL_ACCESS_KEY_SECRET": SECRET, **environment,
        }  # fmt: skip
        self.process: subprocess.Popen[str] | None = None
        self.endpoint = ""
        self.start()

    def spawn(self, errors: int = subprocess.PIPE) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tidemill.cli.main", "serve", "--port", "0", "--data", str(self.data),
             *self.options],
            env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip

    def start(self) -> None:
        messages = self.data.with_name(f"{self.data.name}.log")  # a pipe that nobody reads would stop the server
        with messages.open("ab") as file:
            self.process = self.spawn(file.fileno())
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://(\S+)", line)
        if found is None:
            self.process.wait(timeout=10)
            self.process.stdout.close()
            self.process = None
            raise AssertionError(f"{line}{messages.read_text()}")
        self.endpoint = found[1]
        self.client = Client(
            Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=self.endpoint, protocol="HTTP")
        )

    def signal(self, number: int) -> int:
        """Send a signal and wait for the server's end."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Any action by the SDK's generic call; objects and lists travel as JSON text."""
        body = {
            name: json.dumps(value) if isinstance(value, dict | list) else str(value)
            for name, value in parameters.items()
        }
        kind = Params(
            action=action, version="2024-05-18", protocol="HTTP", method="POST", auth_type="AK", style="RPC",
            pathname="/", req_body_type="formData", body_type="json",
        )  # fmt: skip
        return self.client.call_api(kind, OpenApiRequest(body=body), RuntimeOptions())["body"]

    def create(self, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
        given = {"Name": "w", "Owner": "1000", "Trigger": {"Type": "Manual"}, **fields}
        return self.call("CreateWorkflow", ProjectId=10_000, Tasks=list(tasks), **given)

    def run(self, workflow_id: int, **fields: Any) -> int:
        given = {"ProjectId": 10_000, "WorkflowId": workflow_id, "Name": "r", "Type": "ManualWorkflow", **fields}
        operation = self.call("CreateWorkflowInstances", **given)["OperationId"]

        def made() -> dict[str, Any] | None:
            result = self.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"]
            return result if result["Status"] != "Creating" else None

        return self.until(made)["WorkflowInstanceIds"][0]

    def status(self, workflow_instance: int) -> str:
        return self.call("GetWorkflowInstance", Id=workflow_instance)["WorkflowInstance"]["Status"]

    def ended(self, workflow_instance: int) -> str:
        """Wait for the end of a workflow instance."""
        return self.until(lambda: (s := self.status(workflow_instance)) in ("Success", "Failure") and s)

    def tasks(self, workflow_instance: int) -> dict[str, dict[str, Any]]:
        day = self.call("GetWorkflowInstance", Id=workflow_instance)["WorkflowInstance"]["BizDate"]
        page = self.call(
            "ListTaskInstances", ProjectId=10_000, Bizdate=day, WorkflowInstanceId=workflow_instance, PageSize=500
        )
        return {item["TaskName"]: item for item in page["PagingInfo"]["TaskInstances"]}

    def until(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (value := condition()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return value

    def task_processes(self) -> list[int]:
        mark = f"TIDEMILL_RUN_DATA={self.data.resolve()}".encode()
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _environment(path)]

    def runner(self) -> int:
        return self.until(lambda: min(_children(self.guard()), default=0))

    def guard(self) -> int:
        return int((self.data / "runner/lock").read_text())

    def end(self) -> None:
        if self.process is not None:
            self.kill()
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            guard = self.guard()
            children = _children(guard) if _is_guard(guard) else []
            for pid in ([guard] if _is_guard(guard) else []) + children + self.task_processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_guard(pid: int) -> bool:
    try:
        return b"runners.local" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def task(name: str, script: str = "true", *upstreams: str, **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "DIDE_SHELL",
        "Owner": "1000",
        "RerunMode": "AllAllowed",
        "Script": {"Content": script},
        "Trigger": {"Recurrence": "Normal"},
        "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
        "Outputs": {"TaskOutputs": [{"Output": f"x.{name}"}]},
        "Dependencies": [{"Type": "Normal", "UpstreamOutput": f"x.{up}"} for up in upstreams],
        **fields,
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    running.end()
