"""The workloads beside their floors and, where asked for, the peers: `python -m bench --peers dbos,luigi W1 W2`."""

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.compare import compare
from bench.own import Session, age, calls, clock, faults, simulation
from bench.peers import install
from bench.workloads import COMPARED

OWN = {
    "VIRTUAL": calls.virtual, "VIRTUAL60K": calls.virtual60k, "W4": calls.w4, "READS": calls.reads,
    "START": calls.start, "HANDOVER": calls.handover, "EVEN": clock.even,
    "PUNCTUAL": clock.punctual, "SPIKE": clock.spike, "IDLE": clock.idle_schedules, "RESTART": faults.restart,
    "RESTART100K": faults.restart100k,
    "PLAN": faults.plan, "AGE": age.age, "MONTH": simulation.month_of_a_project, "YEAR": simulation.year_of_a_project,
}  # fmt: skip
USUAL = ("W1", "W2", "W3", "WM40", "VIRTUAL", "W4", "READS", "START", "MONTH")
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
DURABILITY = {"sqlite": "WAL, synchronous=FULL", "postgresql": "fsync=on, synchronous_commit=on"}
RESULTS = Path(__file__).parent / "results"


def asked():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="WORKLOAD", help=f"{' '.join({**COMPARED, **OWN})} [{' '.join(USUAL)}]"
    )
    parser.add_argument("--peers", default="", help=f"comma-separated: {','.join(install.ORDER)}, or all")
    parser.add_argument("--database", default="sqlite", help="Tidemill's: sqlite, postgresql, or both with a comma")
    parser.add_argument(
        "--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "5")), help="measured ones [5]"
    )
    parser.add_argument("--cache", type=Path, default=install.CACHE, help="where the peers' environments are")
    parser.add_argument(
        "--instances", type=int, default=10_000_000, help="how many finished ones AGE stores [10000000]"
    )
    given = parser.parse_args()
    given.names = given.names or list(USUAL)
    given.database = given.database.split(",")
    given.peers = list(install.ORDER) if given.peers == "all" else [name for name in given.peers.split(",") if name]
    for option, wrong in (
        ("WORKLOAD", set(given.names) - {*COMPARED, *OWN}), ("--database", set(given.database) - set(DATABASES)),
        ("--peers", set(given.peers) - set(install.ORDER)),
    ):  # fmt: skip
        if wrong:
            parser.error(f"{option}: unknown {', '.join(sorted(wrong))}")
    return given


def write(name, facts, result):
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{name}.json"
    path.write_text(json.dumps({"workload": name, **result, "session": facts}, indent=1, ensure_ascii=False) + "\n")


def main():
    given = asked()
    facts = machine.facts()
    facts["durability"] = {DATABASES[name]: DURABILITY[name] for name in given.database}
    together = [COMPARED[name] for name in given.names if name in COMPARED]
    if together:
        databases = {name: DATABASES[name] for name in given.database}
        results, about = compare(together, databases, given.peers, given.rounds, given.cache)
        for name, result in results.items():
            write(name, {**facts, "peers": about}, result)
    for name in (name for name in given.names if name in OWN):
        for database in given.database:
            found = OWN[name](Session(database, given.rounds, given.instances))
            print(f"{name}, {DATABASES[database]}:", json.dumps(found, ensure_ascii=False), flush=True)
            write(
                f"{name}-{database}",
                facts,
                {"what": OWN[name].__doc__, "database": DATABASES[database], "found": found},
            )


if __name__ == "__main__":
    main()
