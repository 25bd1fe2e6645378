"""DIDE_SHELL: the script under bash, or under sh where there is no bash; parameters are `$1`, `$2` …"""

import os
from collections.abc import Sequence

from tidemill.runners.tasks.command import Command, Tools

_SHELL = next((shell for shell in ("/bin/bash", "/usr/bin/bash") if os.access(shell, os.X_OK)), "/bin/sh")
_NAME = "script.sh"


def start(tools: Tools, arguments: Sequence[str]) -> Command:
    return Command(_SHELL, (_NAME, *arguments), _NAME)
