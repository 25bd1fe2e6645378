"""`${workflow.triggerMessage…}`: the message that triggered a workflow, and paths into it.

Source: scheduling-semantics 8.2.
"""

import json
import re
from typing import Any, NamedTuple, cast

MESSAGE = "triggerMessage"
"""The workflow parameter that holds it."""

_REFERENCE = re.compile(r"\$\{(workflow\.triggerMessage((?:\.[^.{}\s]+)*))\}")


class Message(NamedTuple):
    """`values` by the text inside `${…}`, for a script's replacement; a warning for each path that leads nowhere."""

    values: dict[str, str]
    warnings: list[str]


def references(script: str, message: str) -> Message:
    """What the script's references to the trigger's message stand for.

    The whole message is its text as it came; a path gives a text as it is, anything else as JSON; a path that leads
    nowhere gives an empty text. JSON inside a text is not looked into.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    for match in _REFERENCE.finditer(script):
        reference, path = match[1], match[2]
        if reference in values:
            continue
        found = _at(message, path[1:].split(".")) if path else message
        if found is None:
            warnings.append(f"{match[0]}: the message has no such field; it is replaced by an empty text")
        values[reference] = found or ""
    return Message(values, warnings)


def _at(message: str, path: list[str]) -> str | None:
    try:
        found: Any = json.loads(message)
    except (ValueError, RecursionError):
        return None
    for name in path:
        if isinstance(found, dict) and name in found:
            found = cast(dict[str, Any], found)[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(cast(list[Any], found)):
            found = cast(list[Any], found)[int(name)]
        else:
            return None
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, separators=(",", ":"))
