"""`tidemill simulate` over the mixed project of `bench.month`, with the server beside it idle."""

import subprocess
import sys
import time

from bench import month
from bench.client import serving


def month_of_a_project(session):
    """A simulated month of 1,003 tasks, 148,740 instances, through the planner and the scheduler."""
    return simulation(session, "2025-10-01", 30)


def year_of_a_project(session):
    """The same for a year; only when named."""
    return simulation(session, "2025-01-01", 365)


def simulation(session, first, days):
    with serving(database=session.database) as api:
        month.fill(api)
        options = ["--from", first, "--days", str(days), "--data", str(api.data), "--summary"]
        if session.database == "postgresql":
            options += ["--database", api.database]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tidemill.cli.main", "simulate", *options],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - start
        counted = int(done.stdout.split()[0])
        assert counted == month.INSTANCES_A_DAY * days, (counted, done.stdout)
        return {"seconds": round(seconds, 1), "instances": counted, "per_second": round(counted / seconds)}
