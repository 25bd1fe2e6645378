"""The program of a CHECK_NODE: looks for the file that its content names. Standard library only."""

import json
import sys
import time
from pathlib import Path


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(script: str) -> int:
    """Look for the file until it is there (0) or the time is over (1)."""
    content = json.loads(Path(script).read_text(encoding="utf-8"))
    path, interval = content["path"], content.get("checkInterval", 60)
    until = time.monotonic() + content.get("maxCheckMinutes", 1440) * 60
    _say(f"waiting for {path}, looking every {interval} s")
    while not Path(path).exists():
        if time.monotonic() + interval > until:
            _say(f"{path} is not there, and the time for checks is over")
            return 1
        time.sleep(interval)
    _say(f"{path} is there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
