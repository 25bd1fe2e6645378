"""What a result needs to be read later: the machine, its load, and how fast its disk makes writes durable."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def facts():
    """At the start of a session; memory in GiB, `fdatasync_per_second` of 4 KiB writes where databases are put."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": platform.release(),
        "load_average": list(os.getloadavg()),
        "fdatasync_per_second": syncs(),
        "versions": {
            "tidemill": version("tidemill"),
            "commit": _commit(),
            "python": platform.python_version(),
            "sqlite": __import__("sqlite3").sqlite_version,
        },
    }


def syncs(number=2000):
    with tempfile.TemporaryFile() as file:
        block = bytes(4096)
        begin = time.perf_counter()
        for place in range(number):
            os.pwrite(file.fileno(), block, place * 4096)
            os.fdatasync(file.fileno())
        return round(number / (time.perf_counter() - begin))


def _commit():
    if not shutil.which("git"):
        return None
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or None
