"""The bare durable loop: what one thread with SQLite at synchronous=FULL can do. No API, no retries, no isolation.

Each turn commits what ended and what is about to start in one transaction, then spawns `/bin/sh -c true` with a log
file and a session of its own. It is the line that the workloads are held against.
"""

import os
import sqlite3
import tempfile
import time
from collections import deque


def floor(runs, upstreams, slots, command=("/bin/sh", "-c", "true")):
    """Seconds for `runs` copies of a graph given as a list of upstream index lists."""
    with tempfile.TemporaryDirectory() as directory:
        db = sqlite3.connect(f"{directory}/floor.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(
            "CREATE TABLE task (run INT, node INT, state TEXT, started REAL, ended REAL, PRIMARY KEY (run, node))"
        )
        seconds = _drive(db, directory, runs, upstreams, slots, command)
        db.close()
        return seconds


def _drive(db, directory, runs, upstreams, slots, command):
    nodes = range(len(upstreams))
    downstreams = [[] for _ in nodes]
    for node, needs in enumerate(upstreams):
        for need in needs:
            downstreams[need].append(node)
    begin = time.perf_counter()
    db.execute("BEGIN")
    db.executemany("INSERT INTO task VALUES (?, ?, 'waiting', 0, 0)", [(r, n) for r in range(runs) for n in nodes])
    db.execute("COMMIT")
    pending = {(r, n): len(upstreams[n]) for r in range(runs) for n in nodes}
    ready = deque(key for key, count in pending.items() if count == 0)
    alive, ended, left = {}, [], len(pending)
    null = os.open("/dev/null", os.O_RDWR)
    while left:
        starting = []
        db.execute("BEGIN IMMEDIATE")
        for run, node in ended:
            db.execute("UPDATE task SET state = 'done', ended = ? WHERE run = ? AND node = ?", (time.time(), run, node))
            for down in downstreams[node]:
                pending[run, down] -= 1
                if not pending[run, down]:
                    ready.append((run, down))
        while ready and len(alive) + len(starting) < slots:
            starting.append(ready.popleft())
            now = time.time()
            db.execute(
                "UPDATE task SET state = 'running', started = ? WHERE run = ? AND node = ?", (now, *starting[-1])
            )
        db.execute("COMMIT")
        left -= len(ended)
        ended = []
        for key in starting:
            log = os.open(f"{directory}/{key[0]}-{key[1]}.log", os.O_WRONLY | os.O_CREAT)
            actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
            alive[os.posix_spawn(command[0], command, os.environ, setsid=True, file_actions=actions)] = key
            os.close(log)
        if alive:
            pid, _ = os.waitpid(-1, 0)
            while pid:
                ended.append(alive.pop(pid))
                pid = os.waitpid(-1, os.WNOHANG)[0] if alive else 0
    os.close(null)
    return time.perf_counter() - begin
