"""One Dagster job for each workload in BENCH_WORKLOADS."""

import json
import os
from itertools import pairwise

from dagster import Definitions, GraphDefinition, In, MultiDependencyDefinition, Nothing, Out, in_process_executor, op
from dagster import DependencyDefinition as Upstream
from work import work


def job(workload):
    name = workload["name"]
    layers = [[f"{name}_{number}_{i}" for i in range(width)] for number, width in enumerate(workload["widths"])]
    ops = [make(each, number > 0, workload["fibonacci"]) for number, names in enumerate(layers) for each in names]
    needs = {
        each: {"after": MultiDependencyDefinition([Upstream(up) for up in above])}
        for above, names in pairwise(layers)
        for each in names
    }
    graph = GraphDefinition(name, node_defs=ops, dependencies=needs)
    return graph.to_job(name=name, executor_def=in_process_executor)


def make(name, waits, argument):
    @op(name=name, ins={"after": In(Nothing)} if waits else {}, out=Out(Nothing))
    def one():
        work(argument)

    return one


defs = Definitions(jobs=[job(workload) for workload in json.loads(os.environ["BENCH_WORKLOADS"])])
