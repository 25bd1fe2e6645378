"""A workload on Tidemill, its floor and the peers, in turn in one session; nobody else's processes run meanwhile."""

import statistics
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.client import serving, task
from bench.floor import floor
from bench.peers import install
from bench.peers.contract import PeerError, Place

FIBONACCI = "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf({})"


def tasks(workload):
    """The workload's graph as the API's tasks."""
    fields = {"script": FIBONACCI.format(workload.fibonacci), "kind": "PYTHON"} if workload.fibonacci else {}
    if workload.forked:
        fields["Tags"] = [{"Key": "tidemill.python", "Value": "forked"}]
    return [
        task(f"t{number}", *(f"t{up}" for up in upstreams), **fields)
        for number, upstreams in enumerate(workload.upstreams())
    ]


def tidemill(stack, database):
    """Seconds of a workload on a server of its own."""
    api, made = (
        stack.enter_context(serving(database=database, TIDEMILL_MAX_TASKS="2000", TIDEMILL_MAX_UPSTREAMS="2000")),
        {},
    )

    def run(workload):
        if workload.name not in made:
            made[workload.name] = api.create(workload.name, tasks(workload))["Id"]
        return api.run([made[workload.name]] * workload.runs)

    return run


def run_floor(workload):
    script = (sys.executable, "-u", "-c", FIBONACCI.format(workload.fibonacci)) if workload.fibonacci else None
    return floor(workload.runs, workload.upstreams(), workload.slots, *([script] if script else []))


def compare(workloads, databases, peers, rounds, cache):
    """For each workload the seconds of everybody and their ratios to the first Tidemill; a failed peer says why."""
    found = {workload.name: {"what": workload.what, "tasks": workload.tasks, "pairs": {}} for workload in workloads}
    about = {}
    with ExitStack() as stack:
        ours = {f"Tidemill, {name}": tidemill(stack, database) for database, name in databases.items()}
        ours["floor"] = run_floor
        for name in peers or [None]:
            with _present(name, cache, workloads, about) as theirs:
                most = min(rounds, theirs[0].rounds) if isinstance(theirs, tuple) else rounds
                for workload in workloads:
                    _rounds(workload, ours, name, theirs, most, found[workload.name]["pairs"])
                    print(workload.name, _line(found[workload.name]["pairs"]), flush=True)
    return {name: _summary(result) for name, result in found.items()}, about


@contextmanager
def _present(name, cache, workloads, about):
    """(peer, run, processes) of one that started, None where no peer was asked for, or why there is none."""
    if name is None:
        yield None
        return
    peer = install.peer(name)
    with ExitStack() as stack:
        try:
            bin = install.environment(peer, cache)
            about[name] = {**install.versions(peer, bin), "database": peer.database, "task": peer.task}
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"tidemill-bench-{name}-")))
            run, processes = stack.enter_context(peer.open(Place(bin, place), workloads))
            processes.pause()
            present = peer, run, processes
        except (PeerError, OSError) as error:
            present = f"did not start: {error}"[:300]
        yield present


def _rounds(workload, ours, name, theirs, rounds, pairs):
    """One round unmeasured, then `rounds` of everybody in turn; each row holds what was run side by side."""
    rows = pairs.setdefault(name or "", [])
    told = theirs if isinstance(theirs, str) else None
    for number in range(rounds + 1):
        row = {who: run(workload) for who, run in ours.items()}
        if isinstance(theirs, tuple) and not told and (number or theirs[0].rounds > 1):
            _, run, processes = theirs
            processes.resume()
            try:
                row[name] = run(workload)
            except Exception as error:
                told = f"did not finish: {str(error) or error!r}"[:300]
            finally:
                processes.pause()
        if number:
            rows.append({**row, name: told} if told else row)


def _summary(result):
    rows = [row for pairs in result["pairs"].values() for row in pairs]
    first = next(iter(rows[0]))
    names = dict.fromkeys(who for row in rows for who in row)
    return {"what": result["what"], "tasks": result["tasks"], "by": {who: _of(who, rows, first) for who in names}}


def _of(who, rows, first):
    failed = [row[who] for row in rows if isinstance(row.get(who), str)]
    both = [(row[who], row[first]) for row in rows if isinstance(row.get(who), float)]
    if not both:
        return {"failed": failed[0]}
    return {
        "seconds": spread([theirs for theirs, _ in both]), "rounds": len(both),
        "ratio": round(statistics.median(theirs / ours for theirs, ours in both), 2),
        **({"failed": failed[0]} if failed else {}),
    }  # fmt: skip


def spread(values):
    return {"median": round(statistics.median(values), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def _line(pairs):
    rows = [row for rows in pairs.values() for row in rows]
    first = next(iter(rows[0]))
    parts = []
    for who in dict.fromkeys(who for row in rows for who in row):
        told = _of(who, rows, first)
        parts.append(
            f"{who}: {told['seconds']['median']:.3f} s (× {told['ratio']})"
            if "seconds" in told
            else f"{who}: {told['failed']}"
        )
    return " · ".join(parts)
