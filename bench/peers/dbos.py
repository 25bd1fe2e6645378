"""DBOS: a library that checkpoints each step in a database. Its workflows run in one process of their own."""

import subprocess
from contextlib import contextmanager

from bench.peers.contract import HOSTED, Peer, PeerError, Processes, as_json


@contextmanager
def opened(place, workloads):
    processes = Processes(place.directory / "log")
    url = f"sqlite:///{place.directory}/dbos.db"
    app = processes.start(place.bin / "python", HOSTED / "in_dbos.py", url, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, cwd=place.directory)  # fmt: skip

    def run(workload):
        app.stdin.write(as_json(workload) + "\n")
        app.stdin.flush()
        return float(said())

    def said():
        line = app.stdout.readline()
        if not line:
            raise PeerError(f"DBOS ended: {processes.log.read_text()[-1000:]}")
        return line

    try:
        said()
        yield run, processes
    finally:
        processes.stop()
        app.stdin.close(), app.stdout.close()


PEER = Peer(
    "dbos", ("dbos", "psycopg[binary]"), "SQLite, as it opens it",
    "a step in a thread of the application's process, noted in the database when it ends", 20, opened,
)  # fmt: skip
