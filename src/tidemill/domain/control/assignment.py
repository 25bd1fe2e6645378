"""CONTROLLER_ASSIGNMENT: which script runs, and what it assigns (scheduling-semantics 9.2).

Content: the plain script, or JSON `{"language": …, "content": …}`, or FlowSpec's `{"script": {"language", "content"}}`.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from tidemill.domain.control.content import Object
from tidemill.domain.errors import Malformed
from tidemill.domain.variables import Row

MAX_OUTPUT = 2_000_000  # bytes
NO_RESULT = "OutPut Result is null, cannot handle!"
NO_SELECT = "find no select sql in sql assignment!"

_LANGUAGES = {
    "shell": "DIDE_SHELL",
    "shell-script": "DIDE_SHELL",
    "sh": "DIDE_SHELL",
    "bash": "DIDE_SHELL",
    "python": "PYTHON",
    "python2": "PYTHON",
    "python3": "PYTHON",
}
_SQL = {"odps", "odps-sql", "sql"}
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A script and the task type that runs it: DIDE_SHELL or PYTHON."""

    task_type: str
    script: str


def read_assignment(content: str | None) -> Assignment:
    """What is to be run. A plain script is a shell script unless its first line names Python. Raises Malformed."""
    text = content or ""
    parsed = _parsed(text)
    if parsed is None:
        first = text.lstrip().split("\n", 1)[0]
        return Assignment("PYTHON" if first.startswith("#!") and "python" in first else "DIDE_SHELL", text)
    language = str(parsed.get("language") or "shell").strip().lower()
    script = parsed.get("content", "")
    if language in _SQL:
        raise Malformed(f"language {language} is not served here; those that are: shell, python")
    if language not in _LANGUAGES or not isinstance(script, str):
        raise Malformed("an assignment has a `language`, shell or python, and its script in `content`")
    return Assignment(_LANGUAGES[language], script)


def _parsed(text: str) -> Object | None:
    """The object that says language and content; None for a plain script, JSON or not."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    found = cast(Object, parsed)
    for name in ("assignment", "script"):
        if isinstance(found.get(name), dict):
            found = cast(Object, found[name])
    return found if "language" in found or "content" in found else None


def split(line: str) -> Row:
    r"""The members of a line: split at commas, where `\,` is a comma of a member."""
    return tuple(member.replace("\\,", ",") for member in _COMMA.split(line))


def result_of(output: str) -> Row | None:
    """What a script that printed this assigns: the members of its last line that is not blank; None without one.

    Raises Malformed when that line is longer than `MAX_OUTPUT`.
    """
    line = next((line for line in reversed(output.splitlines()) if line.strip()), None)
    if line is None:
        return None
    size = len(line.encode("utf-8", "replace"))
    if size > MAX_OUTPUT:
        raise Malformed(f"the output has {size} bytes; an assignment passes on at most {MAX_OUTPUT}")
    return split(line)
