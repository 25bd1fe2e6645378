"""PYTHON: the script in a fresh interpreter, unbuffered so that its log grows; parameters are `sys.argv[1:]`."""

from collections.abc import Sequence

from tidemill.runners.tasks.command import Command, Tools

_NAME = "script.py"


def start(tools: Tools, arguments: Sequence[str]) -> Command:
    return Command(tools.python, ("-u", _NAME, *arguments), _NAME)
