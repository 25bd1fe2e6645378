"""Starting and ending task processes. Every one carries the run it belongs to in its environment."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

MARK_RUN = "TIDEMILL_RUN"
MARK_DATA = "TIDEMILL_DATA"
_CHILDREN = "/proc/{0}/task/{0}/children"


def spawn(program: str, arguments: Sequence[str], environment: Mapping[str, str], directory: str, log: int) -> int:
    """Start a program as the leader of its own session, with its output in `log`; returns its process id.

    posix_spawn cannot change directory, so this process does: it has one thread and uses no relative paths.
    """
    os.chdir(directory)
    return os.posix_spawn(
        program,
        [program, *arguments],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ],
    )


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal all of a task's process group; its leader must not have been reaped yet."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def children_of(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        with open(_CHILDREN.format(pid)) as file:
            return [int(text) for text in file.read().split()]
    except FileNotFoundError:
        return [other for other in all_processes() if _parent_of(other) == pid]


def all_processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _parent_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _environment_of(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def marked(data: str, run: str | None, among: Callable[[], Sequence[int]]) -> list[int]:
    """Those of `among` that belong to a run (any, if None) of this data directory."""
    wanted = {f"{MARK_DATA}={data}".encode()}
    if run is not None:
        wanted.add(f"{MARK_RUN}={run}".encode())
    return [pid for pid in among() if wanted <= set(_environment_of(pid))]


def kill_marked(data: str, run: str | None, among: Callable[[], Sequence[int]]) -> None:
    """SIGKILL what belongs to a run until nothing of it is left: what it forked meanwhile carries its mark too."""
    tried: dict[int, int] = {}
    while found := [pid for pid in marked(data, run, among) if tried.get(pid, 0) < 1000]:
        for pid in found:
            tried[pid] = tried.get(pid, 0) + 1
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        os.sched_yield()


def kill_children() -> None:
    """SIGKILL and reap every descendant: each death makes its children ours, because we are their subreaper."""
    while True:
        for pid in children_of(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
