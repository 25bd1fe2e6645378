"""DBOS with its workflows in this process: a workload as a line of JSON comes in, seconds go out."""

import asyncio
import json
import sys
import time

from dbos import DBOS
from work import work

AT_ONCE = 8

DBOS(config={"name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR", "sys_db_pool_size": 20})


@DBOS.step()
def task(argument):
    work(argument)


@DBOS.step()
async def task_beside_others(argument, room):
    async with room:
        await asyncio.to_thread(work, argument)


@DBOS.workflow()
def line(length, argument):
    for _ in range(length):
        task(argument)


@DBOS.workflow()
async def layers(widths, argument):
    room = asyncio.Semaphore(AT_ONCE)
    for width in widths:
        await asyncio.gather(*(task_beside_others(argument, room) for _ in range(width)))


def run(widths, runs, argument):
    begin = time.time()
    if max(widths) == 1:
        handles = [DBOS.start_workflow(line, len(widths), argument) for _ in range(runs)]
    else:
        handles = [DBOS.start_workflow(layers, widths, argument) for _ in range(runs)]
    for handle in handles:
        handle.get_result()
    steps = [step for handle in handles for step in DBOS.list_workflow_steps(handle.get_workflow_id())]
    assert len(steps) == runs * sum(widths), len(steps)
    return max(step["completed_at_epoch_ms"] for step in steps) / 1000 - begin


DBOS.launch()
print("ready", flush=True)
for text in sys.stdin:
    asked = json.loads(text)
    print(run(asked["widths"], asked["runs"], asked["fibonacci"]), flush=True)
DBOS.destroy()
