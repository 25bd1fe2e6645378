"""A server of its own for a benchmark, and a light client that signs its calls."""

import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from bench import postgres

KEY, SECRET = "LTAIbench", "bench-secret"
KEPT = 3  # seconds of idleness after which the server may have closed a connection


class Api:
    def __init__(self, data, options, environment):
        self.data, self.last_call = data, 0.0
        self.command = [
            sys.executable, "-m", "tidemill.cli.main", "serve", "--port", "0", "--data", str(data), *options
        ]  # fmt: skip
        self.environment = {
            **os.environ, "TIDEMILL_ACCESS_KEY_ID": KEY, "TIDEMILL_ACCESS_KEY_SECRET": SECRET, **environment
        }  # fmt: skip
        self.database = environment.get("TIDEMILL_DATABASE", f"sqlite:///{data}/tidemill.db")

    def call(self, action, **parameters):
        fields = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in parameters.items()}
        body = urlencode(fields).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "host": self.endpoint,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid4().hex,
            "x-acs-version": "2024-05-18",
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = f"ACS3-HMAC-SHA256 Credential={KEY},SignedHeaders={names},Signature={signature}"
        if time.monotonic() - self.last_call > KEPT:
            self.connection.close()
        self.connection.request("POST", "/", body, headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        self.last_call = time.monotonic()
        if response.status != 200:
            raise RuntimeError(answer)
        return answer

    def create(self, name, tasks):
        body = {"ProjectId": 10_000, "Name": name, "Owner": "1000", "Trigger": {"Type": "Manual"}, "Tasks": tasks}
        return self.call("CreateWorkflow", **body)

    def run(self, workflow_ids):
        """Start a run of each workflow; seconds from the first call to the last instance's FinishedTime."""
        start = time.time()
        operations = [
            self.call("CreateWorkflowInstances", ProjectId=10_000, WorkflowId=id, Name="bench", Type="ManualWorkflow")[
                "OperationId"
            ]
            for id in workflow_ids
        ]
        last = 0
        for operation in operations:
            while (r := self.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"])[
                "Status"
            ] == "Creating":
                time.sleep(0.05)
            while (w := self.call("GetWorkflowInstance", Id=r["WorkflowInstanceIds"][0])["WorkflowInstance"])[
                "Status"
            ] not in ("Success", "Failure"):
                time.sleep(0.05)
            assert w["Status"] == "Success", w
            last = max(last, w["FinishedTime"])
        return last / 1000 - start

    def close(self):
        """Stop the server as an operator would."""
        if self.process.returncode is not None:  # it was killed, and its runner still waits for it
            self.start()
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()

    def kill(self):
        """End the server alone, as a crash would; its guard, runner and tasks go on."""
        self.connection.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def start(self):
        """A server process over the same data, at its first answered call."""
        begin = time.perf_counter()
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        self.endpoint = re.search(r"http://(\S+)", self.process.stdout.readline())[1]
        self.connection = http.client.HTTPConnection(self.endpoint)
        self.call("ListWorkflows", ProjectId=10_000)
        self.started = time.perf_counter() - begin

    def processes(self):
        """The server, its guard and its runner."""
        pids = [self.process.pid]
        guard = int(Path(f"{self.data}/runner/lock").read_text())
        children = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
        return [*pids, guard, *map(int, children)]

    def pss(self):
        """Bytes of memory that the server's processes have between them."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        return total

    def cpu(self):
        """Seconds of processor time that the server's processes have used."""
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(*options, database="sqlite", **environment):
    """A fresh server on an empty database, as durable as by default; `api.started`: seconds to its first answer."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemill-bench-")))
        if database == "postgresql":
            environment["TIDEMILL_SECRET_KEY"] = uuid4().hex
            environment["TIDEMILL_DATABASE"] = stack.enter_context(postgres.server())()
        api = Api(directory / "data", options, environment)
        api.start()
        try:
            yield api
        finally:
            api.close()


def task(name, *upstreams, script="true", kind="DIDE_SHELL", **more):
    return {
        "Name": name, "Type": kind, "Owner": "1000", "RerunMode": "AllAllowed", "Script": {"Content": script},
        "Trigger": {"Recurrence": "Normal"}, "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
        "Dependencies": [{"Type": "Normal", "UpstreamOutput": f"default.{up}"} for up in upstreams],
        **more,
    }  # fmt: skip
