"""`make bench`: the workloads beside their floors, in turn, as ratios. `python -m bench W1 W4` runs only those."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import month
from bench.client import serving, task
from bench.floor import floor

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def chain(length, **fields):
    return [task(f"t{i}", *([f"t{i - 1}"] if i else []), **fields) for i in range(length)]


def fan(width):
    inner = [f"f{i}" for i in range(width)]
    return [task("first"), *(task(name, "first") for name in inner), task("last", *inner)]


def chain_floor(length):
    return [[i - 1] if i else [] for i in range(length)]


def fan_floor(width):
    return [[], *([0] for _ in range(width)), list(range(1, width + 1))]


def paired(ours, theirs):
    """Ours and theirs in turn; medians, spreads, and the median of the pairwise ratios."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {
        "seconds": spread(a),
        "floor_seconds": spread(b),
        "ratio": round(statistics.median(x / y for x, y in pairs), 2),
    }


def spread(values):
    return {"median": round(statistics.median(values), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def w1():
    """A chain of 100 shell tasks."""
    with serving() as api:
        id = api.create("w1", chain(100))["Id"]
        return paired(lambda: api.run([id]), lambda: floor(1, chain_floor(100), 2))


def w2():
    """Fan-out 1 → 200 → 1 of shell tasks."""
    with serving() as api:
        id = api.create("w2", fan(200))["Id"]
        return paired(lambda: api.run([id]), lambda: floor(1, fan_floor(200), 8))


def w3():
    """40 runs of 10 shell tasks in line, all triggered at once."""
    with serving() as api:
        id = api.create("w3", chain(10))["Id"]
        return paired(lambda: api.run([id] * 40), lambda: floor(40, chain_floor(10), 8))


FIBONACCI = "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf({})"


def wm40():
    """40 × fibonacci(10) in line, each in a fresh Python process."""
    script = FIBONACCI.format(10)
    command = (sys.executable, "-u", "-c", script)
    with serving() as api:
        id = api.create("wm40", chain(40, script=script, kind="PYTHON"))["Id"]
        return paired(lambda: api.run([id]), lambda: floor(1, chain_floor(40), 2, command))


def virtual():
    """A layered graph of 5,000 VIRTUAL tasks: 5 workflows of 10 layers × 100, each task after 2 of the layer before."""
    layers = [
        task(
            f"v{layer}-{i}", *([f"v{layer - 1}-{i}", f"v{layer - 1}-{(i + 1) % 100}"] if layer else []), kind="VIRTUAL"
        )
        for layer in range(10)
        for i in range(100)
    ]
    with serving() as api:
        ids = []
        for number in range(5):
            named = [{**t, "Name": f"{number}-{t['Name']}"} for t in layers]
            for t in named:
                t["Dependencies"] = [
                    {"Type": "Normal", "UpstreamOutput": d["UpstreamOutput"].replace(".v", f".{number}-v")}
                    for d in t["Dependencies"]
                ]
            ids.append(api.create(f"virtual{number}", named)["Id"])
        seconds = [api.run(ids) for _ in range(ROUNDS)]
        return {"seconds": spread(seconds), "per_second": round(5000 / statistics.median(seconds))}


def w4():
    """UpdateWorkflow with 1,000 tasks, each changed; and with none changed."""
    tasks = [task(f"t{i}", *([f"t{i - 1}"] if i % 10 else []), script=f"echo {i}; " + "x" * 200) for i in range(1000)]
    with serving() as api:
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
        changed = [update(f"round {number}") for number in range(ROUNDS)]
        return {"all_changed": spread(changed), "none_changed": spread([update("round 0") for _ in range(2)][1:])}


def reads():
    """Signed GetWorkflow calls over one kept connection, one after the other."""
    with serving() as api:
        id = api.create("reads", [task("t")])["Id"]
        rates = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(500):
                api.call("GetWorkflow", Id=id)
            rates.append(500 / (time.perf_counter() - start))
        return {"per_second": spread(rates)}


def start():
    """From the command to the first answered call; then memory and processor time of an idle server."""
    times = []
    for _ in range(ROUNDS):
        with serving() as api:
            times.append(api.started)
    with serving() as api:
        api.run([api.create("warm", chain(3))["Id"]])
        before = api.cpu()
        time.sleep(10)
        return {
            "first_call_seconds": spread(times),
            "idle_pss_mb": round(api.pss() / 2**20, 1),
            "idle_cpu_percent": round((api.cpu() - before) / 10 * 100, 2),
        }


def simulation(first, days):
    """`tidemill simulate` over the mixed project of `bench.month`, once, with the server beside it idle."""
    with serving() as api:
        month.fill(api)
        command = ["simulate", "--from", first, "--days", str(days), "--data", str(api.data), "--summary"]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tidemill.cli.main", *command], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - start
        counted = int(done.stdout.split()[0])
        assert counted == month.INSTANCES_A_DAY * days, (counted, done.stdout)
        return {"seconds": round(seconds, 1), "instances": counted, "per_second": round(counted / seconds)}


def month_of_a_project():
    """A simulated month of 1,003 tasks, 148,740 instances, through the planner and the scheduler."""
    return simulation("2025-10-01", 30)


def year_of_a_project():
    """The same for a year; only when named."""
    return simulation("2025-01-01", 365)


WORKLOADS = {
    "W1": w1, "W2": w2, "W3": w3, "WM40": wm40, "VIRTUAL": virtual, "W4": w4, "READS": reads, "START": start,
    "MONTH": month_of_a_project, "YEAR": year_of_a_project,
}  # fmt: skip
ONLY_BY_NAME = ("YEAR",)


def main(names):
    results = {"machine": {"cores": os.cpu_count(), "python": platform.python_version(), "database": "SQLite, FULL"}}
    for name in names or [name for name in WORKLOADS if name not in ONLY_BY_NAME]:
        results[name] = {"what": WORKLOADS[name].__doc__, **WORKLOADS[name]()}
        print(name, json.dumps(results[name], ensure_ascii=False), flush=True)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(results, indent=1, ensure_ascii=False))


main(sys.argv[1:])
