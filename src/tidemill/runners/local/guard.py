"""The guard: parent of the runner, and of whatever the runner's death leaves behind (engine 22).

It owns the data directory's runs: before it starts a runner it kills what an earlier one left alive, and when its
runner dies it kills every descendant, notes their runs as lost, and starts the next. Standard library only.
"""

import ctypes
import fcntl
import os
import pwd
import signal
import sys
import time

from tidemill.runners.contract import Result
from tidemill.runners.local import runner
from tidemill.runners.local.journal import Journal
from tidemill.runners.local.options import Options
from tidemill.runners.local.processes import all_processes, kill_children, kill_marked

_PR_SET_CHILD_SUBREAPER = 36
_LOCK_TRIES = 100
_PAUSE = 0.02  # seconds: between tries for the lock


def main() -> None:
    """Guard until the runner leaves by itself."""
    options = Options.from_text(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    become(options.user)
    if not _lock(options.directory):
        return
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    while True:
        kill_marked(options.data, None, lambda: [*all_processes()])
        note_lost(options.directory)
        child = os.fork()
        if child == 0:
            runner.main(options)
            os._exit(0)
        if _outcome(child) == 0:
            kill_children()
            return
        kill_children()


def become(user: str) -> None:
    """Run as another user from here on; "" stays who we are."""
    if user and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


def _lock(directory: str) -> bool:
    """Become the one guard of the data directory; False if another stays."""
    file = os.open(os.path.join(directory, "guard.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
            return True
    return False


def note_lost(directory: str) -> None:
    """Runs that were accepted and have no end went with their runner."""
    journal = Journal(directory)
    now = time.time_ns() // 1_000_000
    journal.end([Result(*key, "lost", None, 0, now, 0, "its runner died") for key in sorted(journal.accepted)])
    journal.close()


def _outcome(child: int) -> int:
    """Reap until the runner ends; orphans that its tasks left are reaped on the way. Its wait status."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status
