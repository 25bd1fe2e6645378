"""Which task types a runner serves. The scheduler settles others itself, or as one of these."""

from collections.abc import Callable

from tidemill.runners.tasks import check, python, shell


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
    "CHECK_NODE": Starter(check.FILE_NAME, check.command),
    "PYTHON": Starter(python.FILE_NAME, python.command),
}


_WITHOUT_RUNNER = (
    "VIRTUAL",
    "PARAM_HUB",
    "CONTROLLER_ASSIGNMENT",
    "CONTROLLER_BRANCH",
    "CONTROLLER_JOIN",
    "CONTROLLER_TRAVERSE",
    "CONTROLLER_CYCLE",
    "DEPENDENT",
    "SCHEDULER_TRIGGER",
    "SUB_PROCESS",
)


def not_served(task_type: str) -> str:
    """The message of a run whose type has no executor."""
    served = ", ".join((*sorted(SERVED), *_WITHOUT_RUNNER))
    return f"Task type {task_type} has no executor here. Types that are served: {served}."
