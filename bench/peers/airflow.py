"""Airflow 3 on PostgreSQL: API server, DAG processor and a scheduler with the LocalExecutor, eight tasks at once."""

import time
from contextlib import contextmanager
from shutil import copy
from uuid import uuid4

from sqlalchemy import make_url

from bench import postgres
from bench.peers.contract import HOSTED, Peer, PeerError, Processes, as_json, ask, free_port, until

# What somebody who knows Airflow sets on a machine of two cores so that tasks start soon.
TUNED = {
    "CORE__PARALLELISM": "8",
    "CORE__MAX_ACTIVE_TASKS_PER_DAG": "256",
    "CORE__MAX_ACTIVE_RUNS_PER_DAG": "64",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.05",
    "SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "60",
    "SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": "60",
    "SCHEDULER__MAX_TIS_PER_QUERY": "64",
    "LOGGING__LOGGING_LEVEL": "WARNING",
}


def settings(place, port, database, workloads):
    url = make_url(database).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    secret = uuid4().hex * 2
    named = {
        "CORE__LOAD_EXAMPLES": "False", "CORE__EXECUTOR": "LocalExecutor",
        "CORE__DAGS_FOLDER": f"{place.directory}/dags",
        "DATABASE__SQL_ALCHEMY_CONN": url, "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True", "API__HOST": "127.0.0.1", "API__PORT": str(port),
        "API__BASE_URL": f"http://127.0.0.1:{port}", "API__SECRET_KEY": secret, "API_AUTH__JWT_SECRET": secret,
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/", **TUNED,
    }  # fmt: skip
    return {
        "AIRFLOW_HOME": str(place.directory), "PYTHONPATH": str(HOSTED),
        "PATH": f"{place.bin}:/usr/local/bin:/usr/bin:/bin",
        "BENCH_WORKLOADS": f"[{','.join(map(as_json, workloads))}]",
        **{f"AIRFLOW__{name}": value for name, value in named.items()},
    }  # fmt: skip


@contextmanager
def opened(place, workloads):
    (place.directory / "dags").mkdir()
    copy(HOSTED / "in_airflow.py", place.directory / "dags")
    port = free_port()
    with postgres.server() as database:
        url = database()
        processes = Processes(place.directory / "log", **settings(place, port, url, workloads))
        try:
            processes.check(place.bin / "airflow", "db", "migrate")
            for part in ("api-server", "dag-processor", "scheduler"):
                processes.start(place.bin / "airflow", part)
            api = Api(f"http://127.0.0.1:{port}")
            until(api.log_in, 180, "Airflow's API server answers")
            names = {workload.name for workload in workloads}
            until(lambda: True if names <= api.dags() else None, 180, "Airflow has read the DAGs")
            time.sleep(3)
            yield (lambda workload: api.run(workload, url)), processes
        finally:
            processes.stop()


class Api:
    def __init__(self, url):
        self.url, self.headers = url, {}

    def log_in(self):
        self.headers = {"Authorization": "Bearer " + ask(f"{self.url}/auth/token")["access_token"]}
        return self.headers

    def dags(self):
        return {each["dag_id"] for each in ask(f"{self.url}/api/v2/dags?limit=100", **self.headers)["dags"]}

    def run(self, workload, database):
        name = uuid4().hex
        path = f"{self.url}/api/v2/dags/{workload.name}/dagRuns"
        begin = time.time()
        for number in range(workload.runs):
            ask(path, {"logical_date": None, "dag_run_id": f"{name}-{number}"}, **self.headers)
        until(lambda: _ended(database, name, workload.runs), 900, "the DAG runs end")
        [(number, last)] = postgres.execute(
            database, "SELECT count(*), extract(epoch FROM max(end_date)) FROM task_instance "
            f"WHERE run_id LIKE '{name}-%' AND state = 'success'",
        )  # fmt: skip
        if number != workload.tasks:
            raise PeerError(f"{number} of {workload.tasks} tasks ended well")
        return float(last) - begin


def _ended(database, name, runs):
    """Looked up in Airflow's database: its API would have the server work for each look."""
    rows = dict(postgres.execute(
        database, f"SELECT state, count(*) FROM dag_run WHERE run_id LIKE '{name}-%' GROUP BY state"
    ))  # fmt: skip
    if rows.get("failed"):
        raise RuntimeError(f"{rows['failed']} DAG runs failed")
    return True if rows.get("success") == runs else None


PEER = Peer(
    "airflow", ("apache-airflow[postgres]", "psycopg2-binary", "asyncpg"), "PostgreSQL, fsync on",
    "a supervised process that talks to the API server, then bash or the Python function in it", 1, opened,
)  # fmt: skip
