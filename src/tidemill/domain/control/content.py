"""The script content of control tasks: JSON, in the older code's shape or as a block of FlowSpec."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tidemill.domain.errors import Malformed

Object = Mapping[str, Any]


def read_json(content: str | None, expected: str) -> Any:
    """The parsed content. Raises Malformed, saying what was `expected`."""
    try:
        return json.loads(content or "")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the content is no JSON: {expected} is expected") from error


def block(parsed: Any, *names: str) -> Object:
    """The FlowSpec block of one of these names, or the object itself where it is written without its name."""
    found = as_object(parsed, names[0])
    for name in names:
        if isinstance(found.get(name), dict):
            return cast(Object, found[name])
    return found


def as_object(value: Any, what: str) -> Object:
    if not isinstance(value, dict):
        raise Malformed(f"{what}: a JSON object is expected")
    return cast(Object, value)


def as_list(value: Any, what: str) -> Sequence[Any]:
    """A list, also one that is written as JSON inside a text."""
    if isinstance(value, str):
        value = read_json(value, what)
    if not isinstance(value, list):
        raise Malformed(f"{what}: a JSON list is expected")
    return cast(Sequence[Any], value)


def as_text(value: Any, what: str) -> str:
    """A text that is not empty; numbers are taken as their text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise Malformed(f"{what}: a text is expected")
    return value


def as_number(value: Any, what: str, least: int, most: int) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Malformed(f"{what}: a number from {least} to {most} is expected")
    return value


def output_of(value: Any, what: str) -> str:
    """An output's identifier, written as a text or as FlowSpec's `{data: …}`."""
    if isinstance(value, dict):
        value = cast(Object, value).get("data")
    return as_text(value, what)
