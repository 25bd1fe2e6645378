"""PYTHON: the script is a file for a fresh interpreter, or for a fork of one; arguments are sys.argv[1:]."""

FILE_NAME = "script.py"
FORK_SERVER = __file__.removesuffix("python.py") + "fork_server.py"


def command(script: str, arguments: list[str], python: str) -> list[str]:
    """The program to execute and its arguments; `-u`, so that the log grows as the task prints."""
    return [python, "-u", script, *arguments]
