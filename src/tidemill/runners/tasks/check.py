"""CHECK_NODE: waits until a file is there, and holds its slot meanwhile (scheduling-semantics 10.5).

The content is JSON: `{"path": "/data/${bizdate}.csv", "checkInterval": 60, "maxCheckMinutes": 1440}`, the interval in
seconds. The program beside this file reads it, so that the runner itself need not import what that needs.
"""

FILE_NAME = "check.json"
_PROGRAM = __file__.removesuffix("check.py") + "check_file.py"


def command(script: str, arguments: list[str], python: str) -> list[str]:
    """The program to execute and its arguments; `script` is the path of the content."""
    return [python, "-u", _PROGRAM, script]
