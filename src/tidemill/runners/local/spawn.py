"""Start the program of one run: its directory, script, log and environment, then posix_spawn."""

from __future__ import annotations

import os
import signal

from tidemill.runners.local import layout
from tidemill.runners.local.fullness import is_full
from tidemill.runners.local.processes import DATA_VARIABLE, RUN_VARIABLE
from tidemill.runners.tasks.table import SERVED, not_served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.directories import Directories
    from tidemill.runners.local.settings import Settings

_ALL_SIGNALS = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]


class Refused(Exception):
    """The run cannot be started; the message says why."""


class NoRoom(Exception):
    """The run cannot be started while the disk is full."""


class Submitted:
    """A run as it came over the wire: the fields of `contract.Run`."""

    __slots__ = ("arguments", "environment", "instance", "log", "run_number", "script", "task_type", "timeout")

    def __init__(
        self,
        instance: int,
        run_number: int,
        task_type: str,
        script: str,
        log: str,
        timeout: int,
        arguments: list[str],
        environment: dict[str, str],
    ) -> None:
        self.instance = instance
        self.run_number = run_number
        self.task_type = task_type
        self.script = script
        self.log = log
        self.timeout = timeout
        self.arguments = arguments
        self.environment = environment


def working_directory(data_directory: str, instance: int, run_number: int) -> str:
    """The directory that a run has for itself."""
    return f"{data_directory}/{layout.WORK}/{instance}-{run_number}"


def script_name(task_type: str) -> str:
    """The script's file name; empty if the type is not served."""
    starter = SERVED.get(task_type)
    return starter.file_name if starter else ""


def spawn(run: Submitted, settings: Settings, directories: Directories) -> int:
    """The process id of the run's main process, leader of a session of its own. Changes the working directory.

    Refused: nothing was started, and the log says why, if it can be written. NoRoom: nothing was started.
    """
    log = f"{settings.data_directory}/{run.log}"
    try:
        descriptor = _open_log(log)
    except OSError as error:
        if is_full(error):
            raise NoRoom from error
        raise Refused(f"The log cannot be written: {error}") from error
    try:
        return _spawn(run, settings, directories, descriptor)
    except Refused as refusal:
        _say(descriptor, str(refusal))
        raise
    finally:
        os.close(descriptor)


def _spawn(run: Submitted, settings: Settings, directories: Directories, log: int) -> int:
    starter = SERVED.get(run.task_type)
    if starter is None:
        raise Refused(not_served(run.task_type))
    directory = working_directory(settings.data_directory, run.instance, run.run_number)
    script = f"{directory}/{starter.file_name}"
    try:
        directories.prepare(directory, starter.file_name, run.script.encode())
        program = starter.command(script, run.arguments, settings.python)
        os.chdir(directory)  # posix_spawn cannot; this process has one thread, and no other use of its own directory
        return os.posix_spawn(
            program[0],
            program,
            _environment(run, settings, directory),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_ALL_SIGNALS,
        )
    except Exception as error:  # a zero byte in an argument …: whatever it is, the other runs go on
        directories.give_back(directory, starter.file_name)
        if is_full(error):
            raise NoRoom from error
        raise Refused(f"The task cannot be started: {error}") from error
    finally:
        os.chdir("/")  # to stay would make the next chdir pay for freeing a directory that was removed meanwhile


def _environment(run: Submitted, settings: Settings, directory: str) -> dict[str, str]:
    """Nothing of the server's; the marks by which left-over tasks are found come last, for they must hold."""
    return {
        "PATH": settings.path,
        "HOME": directory,
        "LANG": "C.UTF-8",
        **run.environment,
        RUN_VARIABLE: f"{run.instance}.{run.run_number}",
        DATA_VARIABLE: settings.data_directory,
    }


def _open_log(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.open(path, flags, 0o640)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
        return os.open(path, flags, 0o640)


def _say(descriptor: int, message: str) -> None:
    try:
        os.write(descriptor, message.encode(errors="replace") + b"\n")
    except OSError:
        pass
