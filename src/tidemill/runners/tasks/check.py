"""CHECK_NODE: waits until a file is there, and holds its slot meanwhile (scheduling-semantics 10.5).

The content is JSON: `{"path": "/data/${bizdate}.csv", "checkInterval": 60, "maxCheckMinutes": 1440}`, the interval in
seconds. This file is also the program that a run executes: standard library only.
"""

import json
import sys
import time
from pathlib import Path

FILE_NAME = "check.json"


def command(script: str, arguments: list[str], python: str) -> list[str]:
    """The program to execute and its arguments: this file, with the path of the content."""
    return [python, "-u", str(Path(__file__).resolve()), script]


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
