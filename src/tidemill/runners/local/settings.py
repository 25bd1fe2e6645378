"""What the guard and the runner are told at their start.

A plain class, because importing dataclasses takes as long as all of the rest.
"""

import os

MEBIBYTE = 1024 * 1024
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Settings:
    """The settings of one data directory's runner; they hold until that runner ends.

    `stop_grace`: seconds between SIGTERM and SIGKILL. `idle_exit`: seconds without a server and without runs after
    which the runner leaves. `log_cap`: bytes of a log that are kept. `python`: the interpreter of PYTHON tasks.
    `path`: the PATH of tasks. `task_user`: the user whom guard, runner and tasks run as; empty for the server's own.
    `lease`: seconds that tasks live after the server last renewed them; 0: as long as the runner. `task_processes`,
    `task_memory`: the most processes and threads, and bytes of memory, that a run may have; 0: no limit.
    `python_imports`: names of modules, with commas between, that forked PYTHON tasks find imported.
    """

    __slots__ = (
        "data_directory",
        "idle_exit",
        "lease",
        "log_cap",
        "path",
        "python",
        "python_imports",
        "stop_grace",
        "task_memory",
        "task_processes",
        "task_user",
    )

    def __init__(
        self,
        data_directory: str,
        stop_grace: float,
        idle_exit: float,
        log_cap: int,
        python: str,
        path: str,
        task_user: str,
        lease: float,
        task_processes: int,
        task_memory: int,
        python_imports: str,
    ) -> None:
        # Real path: two names of one directory must not look like two directories to the marks in /proc.
        self.data_directory = os.path.realpath(data_directory)
        self.stop_grace = stop_grace
        self.idle_exit = idle_exit
        self.log_cap = log_cap
        self.python = python
        self.path = path
        self.task_user = task_user
        self.lease = lease
        self.task_processes = task_processes
        self.task_memory = task_memory
        self.python_imports = python_imports

    def arguments(self) -> list[str]:
        """The settings as a command line, for `from_arguments`."""
        numbers = [str(self.stop_grace), str(self.idle_exit), str(self.log_cap)]
        limits = [str(self.task_processes), str(self.task_memory)]
        texts = [self.python, self.path, self.task_user]
        return [self.data_directory, *numbers, *texts, str(self.lease), *limits, self.python_imports]


def from_arguments(arguments: list[str]) -> Settings:
    """The settings of a command line that `Settings.arguments` made."""
    data_directory, stop_grace, idle_exit, log_cap, python, path, task_user, lease, *rest = arguments
    processes, memory, python_imports = rest
    numbers = float(stop_grace), float(idle_exit), int(log_cap)
    limits = int(processes), int(memory)
    return Settings(data_directory, *numbers, python, path, task_user, float(lease), *limits, python_imports)
