"""Prefect 3: its server, and one process that serves two deployments, four flow runs at once."""

import time
from contextlib import contextmanager
from datetime import datetime

from bench.peers.contract import HOSTED, Peer, Processes, ask, free_port, until

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
PAGE = 200
BUSY = (503,)  # the server's answer while SQLite is locked; Prefect's own client asks again


@contextmanager
def opened(place, workloads):
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    processes = Processes(
        place.directory / "log", PREFECT_HOME=str(place.directory / "home"), PREFECT_API_URL=url,
        PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1", PREFECT_RUNNER_POLL_FREQUENCY="1",
        PREFECT_LOGGING_LEVEL="WARNING", PREFECT_RESULTS_PERSIST_BY_DEFAULT="false", NO_COLOR="1",
        PYTHONPATH=str(HOSTED), PATH=f"{place.bin}:/usr/local/bin:/usr/bin:/bin",
    )  # fmt: skip

    def call(path, **body):
        return ask(url + path, body, again=BUSY)

    def deployments():
        names = {each["name"]: each["id"] for each in call("/deployments/filter")}
        return names if len(names) == 2 else None

    def run(workload):
        line = max(workload.widths) == 1
        shape = {"length": len(workload.widths)} if line else {"widths": workload.widths}
        asked = {"parameters": {**shape, "argument": workload.fibonacci}, "state": {"type": "SCHEDULED"}}
        path = f"/deployments/{made['line' if line else 'layers']}/create_flow_run"
        begin = time.time()
        ids = [call(path, **asked)["id"] for _ in range(workload.runs)]
        these = {"flow_runs": {"id": {"any_": ids}}}
        until(lambda: _all_ended(call("/flow_runs/filter", **these, limit=PAGE)), 900, "the flow runs end")
        return until(lambda: _last_end(tasks(these), workload.tasks), 120, "Prefect shows all task runs") - begin

    def tasks(these):
        found = []
        while len(page := call("/task_runs/filter", **these, limit=PAGE, offset=len(found), sort="ID_DESC")) == PAGE:
            found += page
        return found + page

    try:
        processes.start(place.bin / "prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui")
        until(lambda: ask(url + "/health"), 120, "Prefect's server answers")
        processes.start(place.bin / "python", HOSTED / "in_prefect.py", 4)
        made = until(deployments, 120, "Prefect has its deployments")
        time.sleep(3)
        yield run, processes
    finally:
        processes.stop()


def _all_ended(flow_runs):
    states = {each["state_type"] for each in flow_runs}
    if wrong := states & (ENDED - {"COMPLETED"}):
        raise RuntimeError(f"flow runs ended as {', '.join(wrong)}")
    return True if states == {"COMPLETED"} else None


def _last_end(task_runs, expected):
    """Epoch seconds, once the server has noted every task; it notes them through events, a little after the fact."""
    ended = [each for each in task_runs if each["end_time"] and each["state_type"] == "COMPLETED"]
    if len(ended) > expected:
        raise RuntimeError(f"{len(ended)} tasks of {expected}")
    if len(ended) < expected:
        return None
    return max(datetime.fromisoformat(each["end_time"]).timestamp() for each in ended)


PEER = Peer(
    "prefect", ("prefect", "fastapi", "asyncpg"), "SQLite, as it opens it",
    "a function in the flow run's process (in a fan: in one of 8 threads), its states sent to the server", 2, opened,
)  # fmt: skip
