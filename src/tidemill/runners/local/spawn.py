"""Start the program of one run: its directory, script, log and environment, then posix_spawn; or all but that."""

from __future__ import annotations

import os
import signal

from tidemill.runners.local import layout
from tidemill.runners.local.fullness import is_full
from tidemill.runners.local.processes import DATA_VARIABLE, RUN_VARIABLE
from tidemill.runners.tasks.shell import INTERPRETER
from tidemill.runners.tasks.table import SERVED, not_served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.directories import Directories
    from tidemill.runners.local.new_logs import NewLogs
    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Key

ALL_SIGNALS = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]


class Refused(Exception):
    """The run cannot be started; the message says why."""


class NoRoom(Exception):
    """The run cannot be started while the disk is full."""


class Submitted:
    """A run as it came over the wire: the fields of `contract.Run`."""

    __slots__ = (
        "arguments",
        "environment",
        "instance",
        "log",
        "python",
        "run_number",
        "script",
        "task_type",
        "timeout",
    )

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
        python: str,
    ) -> None:
        self.instance = instance
        self.run_number = run_number
        self.task_type = task_type
        self.script = script
        self.log = log
        self.timeout = timeout
        self.arguments = arguments
        self.environment = environment
        self.python = python

    @property
    def key(self) -> Key:
        """Instance and run number."""
        return self.instance, self.run_number

    @property
    def forked(self) -> bool:
        """Whether it is a fork of the fork server."""
        return self.python == "forked" and self.task_type == "PYTHON"


def working_directory(data_directory: str, instance: int, run_number: int) -> str:
    """The directory that a run has for itself."""
    return f"{data_directory}/{layout.WORK}/{instance}-{run_number}"


def script_name(task_type: str) -> str:
    """The script's file name; empty if the type is not served."""
    starter = SERVED.get(task_type)
    return starter.file_name if starter else ""


def give_back(key: Key, task_type: str, settings: Settings, directories: Directories) -> None:
    """Let another run have the directory of one that is over."""
    directories.give_back(working_directory(settings.data_directory, *key), script_name(task_type))


def spawn(run: Submitted, settings: Settings, directories: Directories) -> int:
    """The process id of the run's main process, leader of a session of its own. Changes the working directory.

    Refused: nothing was started, and the log says why, if it can be written. NoRoom: nothing was started.
    """
    with _Log(run, settings, directories.logs) as log:
        return _spawn(run, settings, directories, log)


def prepare_fork(run: Submitted, settings: Settings, directories: Directories) -> list[object]:
    """Make ready for a fork all that `spawn` does; what the fork server is told: script, arguments, environment, log.

    Refused and NoRoom as by `spawn`; refused are the same arguments: those that no program can be given.
    """
    with _Log(run, settings, directories.logs):
        directory = working_directory(settings.data_directory, run.instance, run.run_number)
        file_name = SERVED[run.task_type].file_name
        try:
            environment = _environment(run, settings, directory)
            _check_texts(run.arguments, environment)
            directories.prepare(directory, file_name, run.script.encode())
        except Exception as error:
            directories.give_back(directory, file_name)
            if is_full(error):
                raise NoRoom from error
            raise Refused(f"The task cannot be started: {error}") from error
        return [f"{directory}/{file_name}", run.arguments, environment, f"{settings.data_directory}/{run.log}"]


def refuse(run: Submitted, settings: Settings, logs: NewLogs, message: str) -> None:
    """Leave in its log why a run was not started, if that can be written."""
    try:
        with _Log(run, settings, logs):
            raise Refused(message)
    except (NoRoom, Refused):
        pass


def _check_texts(arguments: list[str], environment: dict[str, str]) -> None:
    """ValueError: what the kernel would not pass on."""
    for text in (*arguments, *environment, *environment.values()):
        if b"\0" in os.fsencode(text):
            raise ValueError("embedded null byte")
    if any(not name or "=" in name for name in environment):
        raise ValueError("illegal environment variable name")


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
            setsigdef=ALL_SIGNALS,
        )
    except Exception as error:  # a zero byte in an argument …: whatever it is, the other runs go on
        directories.give_back(directory, starter.file_name)
        if is_full(error):
            raise NoRoom from error
        raise Refused(f"The task cannot be started: {error}") from error
    finally:
        os.chdir("/")  # to stay would make the next chdir pay for freeing a directory that was removed meanwhile


def plain_environment(settings: Settings, home: str) -> dict[str, str]:
    """What every program is given, nothing of it the server's.

    A shell that knows no SHELL looks its user up, and LANG would make every program look for files of all categories,
    of which C.UTF-8 has one: together a sixth of the time that an empty script takes.
    """
    return {"PATH": settings.path, "HOME": home, "SHELL": INTERPRETER, "LC_CTYPE": "C.UTF-8"}


def _environment(run: Submitted, settings: Settings, directory: str) -> dict[str, str]:
    """The marks by which left-over tasks are found come last, for they must hold."""
    return {
        **plain_environment(settings, directory),
        **run.environment,
        RUN_VARIABLE: f"{run.instance}.{run.run_number}",
        DATA_VARIABLE: settings.data_directory,
    }


class _Log:
    """The log of a run while it starts: a descriptor. A refusal inside is written there.

    Refused: there can be none. NoRoom: there can be none now.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, run: Submitted, settings: Settings, logs: NewLogs) -> None:
        try:
            self._descriptor = logs.open(f"{settings.data_directory}/{run.log}")
        except OSError as error:
            if is_full(error):
                raise NoRoom from error
            raise Refused(f"The log cannot be written: {error}") from error

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, _kind: object, error: BaseException | None, _frames: object) -> None:
        if isinstance(error, Refused):
            _say(self._descriptor, str(error))
        os.close(self._descriptor)


def _say(descriptor: int, message: str) -> None:
    try:
        os.write(descriptor, message.encode(errors="replace") + b"\n")
    except OSError:
        pass
