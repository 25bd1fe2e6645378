"""What the kernel knows of other processes, and ending them."""

from __future__ import annotations

import ctypes
import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_VARIABLE = "TIDEMILL_RUN"  # <instance>.<run_number>
DATA_VARIABLE = "TIDEMILL_RUN_DATA"  # the data directory: two servers on one machine know their own tasks by it
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PAUSE = 0.002  # seconds between two looks at processes that are being killed


class Status:
    """A line of /proc/<pid>/stat. `started` in hundredths of a second since the machine's start.

    `bare`: its environment is known to be empty; inside execve, where it cannot be read, this is false.
    """

    __slots__ = ("bare", "group", "parent", "session", "started", "state")

    def __init__(self, line: bytes) -> None:
        fields = line[line.rindex(b")") + 2 :].split()  # the name before it may hold blanks and brackets
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.started = int(fields[19])
        self.bare = fields[47] == fields[48] != b"0"

    @property
    def dead(self) -> bool:
        """It has ended and only waits for its parent to look."""
        return self.state in "ZX"


def read(path: str) -> bytes:
    """The content of a file in /proc; nothing if its process is gone or belongs to someone else."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    parts: list[bytes] = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return b"".join(parts)


def status(pid: int) -> Status | None:
    """None: there is no such process."""
    line = read(f"/proc/{pid}/stat")
    return Status(line) if line else None


def session(pid: int) -> int:
    """0: there is no such process. Unlike `status` this never waits for a process that is being changed."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def environment(pid: int) -> bytes:
    """Its initial environment, with a zero byte before and after each variable; one zero byte if it has none."""
    return b"\0" + read(f"/proc/{pid}/environ")


def variable(name: str, value: str) -> bytes:
    """How a variable stands in `environment`."""
    return b"\0" + os.fsencode(f"{name}={value}") + b"\0"


def resident(pid: int) -> int:
    """Bytes of memory that a process has, with all that it shares with others."""
    sizes = read(f"/proc/{pid}/statm").split()
    return int(sizes[1]) * _PAGE if sizes else 0


def proportional(pid: int) -> int:
    """Bytes of memory without files, each page divided by the processes that share it.

    `resident` where that cannot be known, as of a program that changes its user.
    """
    rows = [row.split() for row in read(f"/proc/{pid}/smaps_rollup").splitlines()[1:]]
    if not rows:
        return resident(pid)
    return sum(int(row[1]) for row in rows if row[0] in (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")) * 1024


def all_numbers() -> Iterator[int]:
    """The process ids of the machine, or of the container that we are in."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def children(pid: int) -> list[int]:
    """The direct children of a process without threads, ended ones that were not looked at among them."""
    path = f"/proc/{pid}/task/{pid}/children"
    if (content := read(path)) or os.path.exists(path):
        return [int(child) for child in content.split()]
    found = ((child, status(child)) for child in all_numbers())  # a kernel built without that file
    return [child for child, its in found if its is not None and its.parent == pid]


def send_signal(pid: int, number: int) -> None:
    """To one process; one that is gone, or that belongs to another user, is left alone."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def signal_group(group: int, number: int) -> None:
    """To a process group; one that is gone, or that belongs to another user, is left alone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def become_subreaper() -> None:
    """From now on descendants whose parent ends become this process's children. OSError: the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def end_descendants() -> None:
    """Kill and reap every descendant of this process, which must be a subreaper; returns when none is left."""
    while True:
        for child in children(os.getpid()):
            send_signal(child, signal.SIGKILL)  # its own children become ours, and are met in the next round
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_PAUSE)


def end_tasks(data_directory: str, sessions: dict[int, int]) -> None:
    """Kill all tasks of a data directory, wherever they hang in the process tree; returns when none is left.

    They are known by their environment, and by `sessions`: process id of a task's main process → when it started, in
    hundredths of a second since the machine's start.
    """
    while found := [pid for pid in all_numbers() if _is_task(pid, data_directory, sessions)]:
        for pid in found:
            send_signal(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def _is_task(pid: int, data_directory: str, sessions: dict[int, int]) -> bool:
    its_environment = environment(pid)
    if variable(DATA_VARIABLE, data_directory) in its_environment and (
        b"\0" + RUN_VARIABLE.encode() + b"=" in its_environment
    ):
        return True
    its = status(pid) if sessions else None
    if its is None or its.dead or its.session not in sessions:
        return False
    leader = status(its.session)  # the number may be someone else's by now: the time of its start tells
    return leader is not None and abs(leader.started - sessions[its.session]) < 500
