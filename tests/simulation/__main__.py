"""`python -m tests.simulation [SECONDS] [FIRST_SEED]`: seed after seed, until the time is over or a promise breaks."""

import sys
import time

from tests.simulation.seeds import simulate_on_sqlite


def main(seconds: float, first: int) -> int:
    begin, seed, hours, runs = time.perf_counter(), first, 0.0, 0
    faults: dict[str, int] = {}
    while time.perf_counter() - begin < seconds:
        report = simulate_on_sqlite(seed)
        hours, runs = hours + report.hours, runs + report.runs
        for name, count in report.faults.items():
            faults[name] = faults.get(name, 0) + count
        if report.broken:
            print(f"seed {seed}:", *report.broken, sep="\n  ")
            return 1
        seed += 1
    elapsed = time.perf_counter() - begin
    print(
        f"seeds {first} to {seed - 1}: {(seed - first) / elapsed:.2f} seeds/s, {hours:,.0f} simulated hours,", end=" "
    )
    print(f"{runs:,} runs, {sum(faults.values()):,} faults, no promise broken")
    for name, count in sorted(faults.items()):
        print(f"  {count:7,} {name}")
    return 0


sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
