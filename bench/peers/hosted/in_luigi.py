"""The workload in BENCH_WORKLOAD as Luigi tasks; a task's output is an empty file in BENCH_OUTPUT."""

import json
import os

import luigi
from work import work

WORKLOAD = json.loads(os.environ["BENCH_WORKLOAD"])
WIDTHS = WORKLOAD["widths"]


class Node(luigi.Task):
    turn = luigi.Parameter()
    run_of = luigi.IntParameter()
    layer = luigi.IntParameter()
    place = luigi.IntParameter()

    def requires(self):
        return [] if self.layer == 0 else layer(self.turn, self.run_of, self.layer - 1)

    def output(self):
        return luigi.LocalTarget(f"{os.environ['BENCH_OUTPUT']}/{self.task_id}")

    def run(self):
        work(WORKLOAD["fibonacci"])
        with self.output().open("w"):
            pass


class Runs(luigi.WrapperTask):
    turn = luigi.Parameter()

    def requires(self):
        return [node for run in range(WORKLOAD["runs"]) for node in layer(self.turn, run, len(WIDTHS) - 1)]


def layer(turn, run, number):
    return [Node(turn=turn, run_of=run, layer=number, place=place) for place in range(WIDTHS[number])]
