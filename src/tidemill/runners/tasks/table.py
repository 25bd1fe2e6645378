"""Which task types a runner serves. VIRTUAL is not among them: the scheduler settles it without a process."""

from collections.abc import Callable

from tidemill.runners.tasks import python, shell


class Starter:
    """How to start a task of one type: the script's file name, and what to execute.

    `command` is called with the script's path, the positional arguments and the Python interpreter of the settings.
    """

    __slots__ = ("command", "file_name")

    def __init__(self, file_name: str, command: Callable[[str, list[str], str], list[str]]) -> None:
        self.file_name = file_name
        self.command = command


SERVED: dict[str, Starter] = {
    "DIDE_SHELL": Starter(shell.FILE_NAME, shell.command),
    "PYTHON": Starter(python.FILE_NAME, python.command),
}


def not_served(task_type: str) -> str:
    """The message of a run whose type has no executor."""
    return f"Task type {task_type} has no executor here. Types that are served: {', '.join(sorted(SERVED))}, VIRTUAL."
