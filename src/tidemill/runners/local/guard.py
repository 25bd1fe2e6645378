"""The guard: parent of the runner, and heir of everything that its tasks leave behind.

It is a child subreaper in a session of its own, so neither a terminal nor the server's end reaches it. It does nothing
while the runner lives. When the runner dies it ends every descendant, notes that in the journal and starts a new one;
when the runner is finished, so is the guard.
"""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import time

from tidemill.runners.local import layout, precedence, processes, runner
from tidemill.runners.local.journal import Content, boot_id, note_gone
from tidemill.runners.local.settings import Settings, from_arguments

_LOCK_PATIENCE = 5  # seconds that another guard or runner of this directory is given to leave
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds before a runner is started again that died within a second


def main() -> None:
    """Guard the data directory of the command line until its runner is finished. SystemExit: why it cannot."""
    settings = from_arguments(sys.argv[1:])
    if os.getsid(0) != os.getpid():
        os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # whatever the server's own parent left open must not reach a task
    os.umask(0o022)
    os.chdir(settings.data_directory)
    _make_directories()
    precedence.rise()  # while this is still root's, if it is
    if settings.task_user:
        _become(settings.task_user)
    lock = _take_lock()
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    processes.become_subreaper()
    gc.freeze()  # the runner's garbage collector need not touch, and so copy, the memory that it shares with us
    _end_leftovers(settings.data_directory)
    _keep_runner(settings)
    processes.end_descendants()


def _make_directories() -> None:
    for directory, mode in ((layout.RUNNER, 0o700), (layout.WORK, 0o700), (layout.LOGS, 0o750)):
        os.makedirs(directory, mode, exist_ok=True)


def _become(user: str) -> None:
    """Hand over what the runner writes, and go on as that user. SystemExit: it does not exist, or we are not root."""
    import pwd  # only here: most installations never need it

    try:
        entry = pwd.getpwnam(user)
        if os.geteuid() == entry.pw_uid:
            return
        for path in _owned():
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.stat(os.path.abspath(layout.WORK))  # the data directory must let this user pass
    except (KeyError, OSError) as error:
        raise SystemExit(f"task_user {user}: {error}") from error


def _owned() -> list[str]:
    """The directories that the runner writes to, with what lies directly in them."""
    directories = (layout.RUNNER, layout.WORK, layout.LOGS)
    return [*directories, *(entry.path for directory in directories for entry in os.scandir(directory))]


def _take_lock() -> int:
    """The lock's descriptor. The runner inherits it: the lock is free only when neither lives. Tasks do not."""
    descriptor = os.open(layout.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    signal.alarm(_LOCK_PATIENCE)  # SIGALRM ends this process: another guard is at work, which is no failure
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    signal.alarm(0)
    return descriptor


def _end_leftovers(data_directory: str) -> None:
    """End the tasks of a guard and runner that were killed together."""
    content = Content()
    content.read(layout.JOURNAL)
    sessions: dict[int, int] = {}
    if content.boot_id == boot_id():
        sessions = {run.process_id: run.ticks for run in content.unfinished.values() if run.process_id}
    processes.end_tasks(data_directory, sessions)


def _keep_runner(settings: Settings) -> None:
    """Start runners until one ends cleanly. One that dies at once is started again after a growing pause."""
    pause = _SHORTEST_PAUSE
    while True:
        born = time.monotonic()
        if _run_once(settings):
            return
        processes.end_descendants()
        if not os.path.exists(f"{settings.data_directory}/{layout.LOCK}"):
            return  # somebody has removed the data directory: there is nothing to guard any more
        _note_gone()
        if time.monotonic() - born > 1:
            pause = _SHORTEST_PAUSE
        else:
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)


def _run_once(settings: Settings) -> bool:
    """Fork a runner and wait for its end; whether it was finished.

    A fork, because the runner then shares this process's memory and needs no start of an interpreter.
    """
    reading, writing = os.pipe()  # the runner sees the pipe's end when the guard dies
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(writing)
        runner.main(settings, guard, reading)
    os.close(reading)
    try:
        return _wait_for(child)
    finally:
        os.close(writing)


def _wait_for(child: int) -> bool:
    """Reap strays until the runner ends; whether it ended because it was finished."""
    while True:
        pid, ended = os.wait()
        if pid == child:
            return ended == 0


def _note_gone() -> None:
    try:
        note_gone(layout.JOURNAL)
    except OSError:  # a full disk: the next runner sees for itself that nothing it finds unfinished can be alive
        pass
