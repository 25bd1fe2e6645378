"""Variables that a task passes to the tasks directly below it, and how a script refers to them.

A value is a text, a list (one row) or a list of rows. Sources: scheduling-semantics 9.1 and 9.2; what they leave open
is decided in docs/decisions/0011.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from tidemill.domain.definitions import Variable
from tidemill.domain.errors import Malformed

Row = tuple[str, ...]
Value = str | Row | tuple[Row, ...]

OUTPUTS_NAME = "outputs"  # the variable that every assignment hands out, declared or not
STATUS = "${status}"
_REFERENCE = re.compile(r"\$\{(\w+)((?:\[\d+\])+)\}")
_INDEX = re.compile(r"\[(\d+)\]")


class Source(NamedTuple):
    """Where an input variable comes from: an output of an upstream task, and the name of its variable."""

    output: str
    name: str


def source_of(variable: Variable) -> Source | None:
    """What an input variable refers to, by `<producer output>:<variable>`; None for a value of the task's own.

    A Constant or System input that has not this shape is the task's own value. One that has it by chance is too, which
    only its reader can tell: its output is none of an upstream task. Raises Malformed where a reference is needed.
    """
    output, colon, name = (variable.value or "").strip().rpartition(":")
    if colon and output and re.fullmatch(r"[^\W\d]\w*", name) and not re.search(r"\s", output) and "$" not in output:
        return Source(output, name)
    if variable.type in ("NodeOutput", "PassThrough"):
        raise Malformed(f"{variable.value}: `<output of an upstream task>:<its variable>` is expected")
    return None


def to_json(value: Value) -> str:
    """As it is stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Value:
    """Read what `to_json` wrote."""
    return frozen(json.loads(text))


def inputs_to_json(inputs: Mapping[str, Value]) -> str:
    """The input variables of a run, as they are stored with it."""
    return json.dumps(inputs, ensure_ascii=False, separators=(",", ":"))


def inputs_from_json(text: str) -> dict[str, Value]:
    """Read what `inputs_to_json` wrote."""
    return {name: frozen(value) for name, value in json.loads(text).items()}


def frozen(value: object) -> Value:
    """Lists as tuples."""
    if isinstance(value, str):
        return value
    members = [frozen(member) for member in cast(Sequence[object], value)]
    return cast(Value, tuple(members))


def render(value: Value) -> str:
    """What `${name}` becomes: a text as it is, a row joined by commas, rows each on a line."""
    if isinstance(value, str):
        return value
    if all(isinstance(member, str) for member in value):
        return ",".join(cast(Row, value))
    return "\n".join(",".join(row) for row in cast(tuple[Row, ...], value))


def pick(value: Value, indexes: Sequence[int], shown: str) -> str:
    """What `${name[i]}` or `${name[i][j]}` becomes; `shown` is the reference. Raises Malformed when out of range."""
    found: Value = value
    for index in indexes:
        if isinstance(found, str):
            raise Malformed(f"{shown}: a text has no members to pick")
        if index >= len(found):
            raise Malformed(f"{shown}: there is no member {index}, only {len(found)}")
        found = found[index]
    return render(found)


def references(script: str, inputs: Mapping[str, Value]) -> dict[str, str]:
    """What each reference to an input stands for, by the text inside `${…}`; indexed ones only as the script has them.

    Raises Malformed for an index that is out of range.
    """
    found = {name: render(value) for name, value in inputs.items()}
    for match in _REFERENCE.finditer(script):
        name, indexes = match[1], match[2]
        if name in inputs:
            numbers = [int(number) for number in _INDEX.findall(indexes)]
            found[name + indexes] = pick(inputs[name], numbers, match[0])
    return found
