"""Dagster: a code server, the daemon with a queue of runs, and the webserver through which runs are launched."""

import time
from contextlib import contextmanager

from bench.peers.contract import HOSTED, Peer, PeerError, Processes, as_json, ask, free_port, until

SETTINGS = """telemetry: {enabled: false}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {max_concurrent_runs: 4, dequeue_interval_seconds: 1, dequeue_use_threads: true, dequeue_num_workers: 4}
run_monitoring: {enabled: false}
"""
LOCATION = {"repositoryLocationName": "bench", "repositoryName": "__repository__"}
JOBS = "{repositoriesOrError{... on RepositoryConnection{nodes{jobs{name}}}}}"
LAUNCH = """mutation($p: ExecutionParams!){launchRun(executionParams: $p){
  __typename ... on LaunchRunSuccess{run{runId}} ... on PythonError{message}}}"""
STATUSES = "query($f: RunsFilter){runsOrError(filter: $f){... on Runs{results{status}}}}"
STEPS = "query($id: ID!){runOrError(runId: $id){... on Run{stepStats{status endTime}}}}"


@contextmanager
def opened(place, workloads):
    home, port, code = place.directory, free_port(), free_port()
    (home / "dagster.yaml").write_text(SETTINGS)
    (home / "workspace.yaml").write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {code}, location_name: bench}}\n"
    )
    processes = Processes(
        home / "log", DAGSTER_HOME=str(home), PYTHONPATH=str(HOSTED), PATH=f"{place.bin}:/usr/local/bin:/usr/bin:/bin",
        BENCH_WORKLOADS=f"[{','.join(map(as_json, workloads))}]",
    )  # fmt: skip

    def query(text, **variables):
        answer = ask(f"http://127.0.0.1:{port}/graphql", {"query": text, "variables": variables})
        if answer.get("errors"):
            raise PeerError(str(answer["errors"])[:500])
        return answer["data"]

    def jobs():
        nodes = query(JOBS)["repositoriesOrError"].get("nodes") or []
        return True if nodes and len(nodes[0]["jobs"]) >= len(workloads) else None

    def launch(name):
        asked = {"selector": {**LOCATION, "jobName": name}, "runConfigData": {}}
        launched = query(LAUNCH, p=asked)["launchRun"]
        if "run" not in launched:
            raise PeerError(str(launched)[:500])
        return launched["run"]["runId"]

    def ended(ids):
        states = [each["status"] for each in query(STATUSES, f={"runIds": ids})["runsOrError"]["results"]]
        if wrong := {"FAILURE", "CANCELED"} & set(states):
            raise RuntimeError(f"runs ended as {', '.join(wrong)}")
        return True if states == ["SUCCESS"] * len(ids) else None

    def run(workload):
        begin = time.time()
        ids = [launch(workload.name) for _ in range(workload.runs)]
        until(lambda: ended(ids), 900, "the runs end", every=0.5)
        steps = [step for id in ids for step in query(STEPS, id=id)["runOrError"]["stepStats"]]
        if len(steps) != workload.tasks or any(step["status"] != "SUCCESS" for step in steps):
            raise PeerError(f"{len(steps)} of {workload.tasks} steps, or one that failed")
        return max(step["endTime"] for step in steps) - begin

    space = ("-w", home / "workspace.yaml", "--log-level", "warning")
    try:
        processes.check(place.bin / "dagster", "instance", "migrate")  # three processes at once would race for it
        processes.start(place.bin / "dagster", "code-server", "start", "-f", HOSTED / "in_dagster.py",
                        "-h", "127.0.0.1", "-p", code, "--log-level", "warning", cwd=home)  # fmt: skip
        processes.start(place.bin / "dagster-webserver", *space, "-h", "127.0.0.1", "-p", port, cwd=home)
        until(jobs, 120, "Dagster has its jobs", every=0.5)
        processes.start(place.bin / "dagster-daemon", "run", *space, cwd=home)
        time.sleep(5)
        yield run, processes
    finally:
        processes.stop()


PEER = Peer(
    "dagster", ("dagster", "dagster-webserver"), "SQLite, as it opens it",
    "a function in the run's process (in-process executor), one after the other", 2, opened,
)  # fmt: skip
