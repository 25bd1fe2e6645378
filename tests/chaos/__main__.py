"""`python -m tests.chaos [SECONDS] [SEED]`: a campaign on SQLite and one on PostgreSQL, so many seconds each."""

import sys
import tempfile
from pathlib import Path

from tests.chaos.campaign import Campaign, Report, crash_postgresql
from tests.chaos.servers import postgresql_of_its_own
from tidemill.store.engine import open_database


def main(seconds: float, seed: int) -> int:
    reports: list[Report] = []
    for kind in ("SQLite", "PostgreSQL"):
        with tempfile.TemporaryDirectory(prefix="tidemill-chaos-") as name:
            if kind == "SQLite":
                report = Campaign(Path(name), seed).run(seconds)
            else:
                with postgresql_of_its_own(Path(name, "postgresql")) as url:
                    victim = open_database(url)
                    report = Campaign(Path(name), seed, url, lambda it=victim: crash_postgresql(it)).run(seconds)
                    victim.close()
        reports.append(report)
        print(f"{kind}, {report}", *report.broken[:50], sep="\n  ", flush=True)
    return int(any(report.broken for report in reports))


sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 300, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
