"""The workloads that everybody runs, as data: the same graphs and tasks for Tidemill, the floor and each peer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """`runs` copies of a layered graph, triggered at once: each task needs every task of the layer before its own.

    A task is `/bin/sh -c true`, or fibonacci(`fibonacci`) in Python: with Tidemill in a fresh interpreter, or `forked`.
    """

    name: str
    what: str
    widths: tuple[int, ...]
    runs: int = 1
    fibonacci: int | None = None
    forked: bool = False

    @property
    def tasks(self):
        return self.runs * sum(self.widths)

    def upstreams(self):
        """For each task, in layer order, the indexes of those it needs."""
        made, before, first = [], [], 0
        for width in self.widths:
            made += [before] * width
            before, first = list(range(first, first + width)), first + width
        return made

    @property
    def slots(self):
        """How many of its tasks a floor runs at once."""
        return 2 if self.runs == 1 and max(self.widths) == 1 else 8


COMPARED = {
    workload.name: workload
    for workload in (
        Workload("W1", "A chain of 100 shell tasks.", (1,) * 100),
        Workload("W2", "Fan-out 1 → 200 → 1 of shell tasks.", (1, 200, 1)),
        Workload("W3", "40 runs of 10 shell tasks in line, all triggered at once.", (1,) * 10, runs=40),
        Workload("WM40", "40 × fibonacci(10) in line, in Python.", (1,) * 40, fibonacci=10),
        Workload("WM40F", "40 × fibonacci(10) in line, forked.", (1,) * 40, fibonacci=10, forked=True),
        Workload("WM10", "10 × fibonacci(33) in line, in Python.", (1,) * 10, fibonacci=33),
        Workload("CHAIN40", "A chain of 40 shell tasks.", (1,) * 40),
        Workload("FAN1000", "Fan-out 1 → 1,000 → 1 of shell tasks.", (1, 1000, 1)),
    )
}
