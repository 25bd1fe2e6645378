"""DIDE_SHELL: the script is a file for bash, or for sh where there is no bash; arguments are $1, $2 …"""

import os

FILE_NAME = "script.sh"
_BASH = "/bin/bash"
INTERPRETER = _BASH if os.access(_BASH, os.X_OK) else "/bin/sh"


def command(script: str, arguments: list[str], python: str) -> list[str]:
    """The program to execute and its arguments; `script` is the path of the file, `python` is not needed here."""
    return [INTERPRETER, script, *arguments]
