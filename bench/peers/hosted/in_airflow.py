"""One DAG for each workload in BENCH_WORKLOADS."""

import json
import os
from datetime import UTC, datetime
from itertools import pairwise

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from work import work


def dag(workload):
    with DAG(
        workload["name"],
        schedule=None,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        max_active_tasks=256,
        max_active_runs=64,
    ):
        layers = [
            [make(f"t{number}_{place}", workload["fibonacci"]) for place in range(width)]
            for number, width in enumerate(workload["widths"])
        ]
        for above, below in pairwise(layers):
            for one in below:
                one.set_upstream(above)


def make(name, argument):
    if argument is None:
        return BashOperator(task_id=name, bash_command="true")
    return PythonOperator(task_id=name, python_callable=work, op_args=[argument])


for asked in json.loads(os.environ["BENCH_WORKLOADS"]):
    dag(asked)
