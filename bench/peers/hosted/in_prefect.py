"""Two Prefect flows, served from this process: a flow run is a process of its own, a task a call in it or a thread."""

import sys

from prefect import flow, serve, task
from prefect.task_runners import ThreadPoolTaskRunner
from work import work

AT_ONCE = 8


@task
def one(argument):
    work(argument)


@flow
def line(length: int, argument: int | None = None):
    for _ in range(length):
        one(argument)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=AT_ONCE))
def layers(widths: list[int], argument: int | None = None):
    for width in widths:
        if width == 1:
            one(argument)
            continue
        for future in [one.submit(argument) for _ in range(width)]:
            future.result()


if __name__ == "__main__":
    serve(line.to_deployment("line"), layers.to_deployment("layers"), limit=int(sys.argv[1]))
