"""The task types that a runner executes. VIRTUAL is not among them: the scheduler ends it without a runner."""

from tidemill.runners.tasks import python, shell
from tidemill.runners.tasks.command import Starter

STARTERS: dict[str, Starter] = {"DIDE_SHELL": shell.start, "PYTHON": python.start}
