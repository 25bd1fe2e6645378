"""What the API's own calls cost, and an idle server."""

import itertools
import time

from bench.client import serving, task
from bench.compare import spread
from bench.own.listing import instances, percentiles
from bench.workloads import COMPARED


def virtual(session):
    """A layered graph of 5,000 VIRTUAL tasks: 5 workflows of 10 layers × 100, each task after 2 of the layer before."""
    with serving(database=session.database) as api:
        ids = [api.create(f"virtual{number}", layered(number, 10, 100))["Id"] for number in range(5)]
        seconds = [api.run(ids) for _ in range(session.rounds)]
        return {"seconds": spread(seconds), "per_second": round(5000 / spread(seconds)["median"])}


def handover(session):
    """A chain of 100 shell tasks: milliseconds from the end of one to the start of the next."""
    late = []
    with serving(database=session.database) as api:
        made = api.create("chain", [task(f"t{i}", *[f"t{i - 1}"] * (i > 0)) for i in range(100)])
        for _ in range(session.rounds):
            api.run([made["Id"]])
        by_run = {}
        for each in instances(api):
            by_run.setdefault(each["WorkflowInstanceId"], []).append(each)
    for run in by_run.values():
        run.sort(key=lambda each: each["StartedTime"])
        late += [after["StartedTime"] - before["FinishedTime"] for before, after in itertools.pairwise(run)]
    return {"finished_to_started_ms": percentiles(late)}


def virtual60k(session):
    """A layered graph of 60,000 VIRTUAL tasks: 60 workflows of 10 layers × 100, triggered at once."""
    with serving(database=session.database) as api:
        ids = [api.create(f"virtual{number}", layered(number, 10, 100))["Id"] for number in range(60)]
        seconds = [api.run(ids) for _ in range(max(1, session.rounds // 2))]
        return {"seconds": spread(seconds), "per_second": round(60_000 / spread(seconds)["median"])}


def layered(number, depth, width):
    return [
        task(
            f"{number}-v{layer}-{i}",
            *([f"{number}-v{layer - 1}-{i}", f"{number}-v{layer - 1}-{(i + 1) % width}"] if layer else []),
            kind="VIRTUAL",
        )
        for layer in range(depth)
        for i in range(width)
    ]


def w4(session):
    """UpdateWorkflow with 1,000 tasks, each changed; and with none changed."""
    tasks = [task(f"t{i}", *([f"t{i - 1}"] if i % 10 else []), script=f"echo {i}; " + "x" * 200) for i in range(1000)]
    with serving(database=session.database) as api:
        made = api.create("w4", tasks)
        body = {"Id": made["Id"], "Name": "w4", "Owner": "1000", "Trigger": {"Type": "Manual"}}
        for t in tasks:
            t["Id"] = made["TaskIds"][t["Name"]]

        def update(text):
            for t in tasks:
                t["Description"] = text
            start = time.perf_counter()
            api.call("UpdateWorkflow", **body, Tasks=tasks)
            return time.perf_counter() - start

        update("warm")
        changed = [update(f"round {number}") for number in range(session.rounds)]
        update("same")
        return {"all_changed": spread(changed), "none_changed": spread([update("same") for _ in range(session.rounds)])}


def reads(session):
    """Signed GetWorkflow calls over one kept connection, one after the other."""
    with serving(database=session.database) as api:
        id = api.create("reads", [task("t")])["Id"]
        rates = []
        for _ in range(session.rounds):
            start = time.perf_counter()
            for _ in range(500):
                api.call("GetWorkflow", Id=id)
            rates.append(500 / (time.perf_counter() - start))
        return {"per_second": spread(rates)}


def start(session):
    """From the command to the first answered call; then memory and processor time of an idle server."""
    times = []
    for _ in range(session.rounds):
        with serving(database=session.database) as api:
            times.append(api.started)
    with serving(database=session.database) as api:
        line = COMPARED["W1"].upstreams()[:3]
        tasks = [task(f"t{number}", *(f"t{up}" for up in ups)) for number, ups in enumerate(line)]
        api.run([api.create("warm", tasks)["Id"]])
        return {"first_call_seconds": spread(times), **idle(api, 10)}


def idle(api, seconds):
    """PSS in MiB and processor time in percent of one core of the server, its guard and its runner."""
    before = api.cpu()
    time.sleep(seconds)
    used = api.cpu() - before
    return {"idle_pss_mb": round(api.pss() / 2**20, 1), "idle_cpu_percent": round(used / seconds * 100, 2)}
