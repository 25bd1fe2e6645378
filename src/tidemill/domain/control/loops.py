"""CONTROLLER_TRAVERSE (for-each) and CONTROLLER_CYCLE (do-while): what iterations there are and what each one sees.

Content: FlowSpec's block `{"for-each": {"maxIterations", "parallelism"}}` or `{"do-while": {"maxIterations"}}`, or
nothing. Source: scheduling-semantics 10.3 and 10.4; what they leave open is decided in docs/decisions/0011.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from tidemill.domain.control.content import as_number, block, read_json
from tidemill.domain.errors import Malformed
from tidemill.domain.variables import Row, Value, pick, render

DEFAULT_ITERATIONS, MAX_ITERATIONS = 128, 1_024
DEFAULT_PARALLELISM, MAX_PARALLELISM = 5, 20
LOOP_DATA = "loopDataArray"
CURRENT = "foreach.current"

_OFFSET = re.compile(r"\$\{dag\.(offset|loopTimes)\}")
_REFERENCE = re.compile(r"\$\{(dag\.([^\W\d]\w*(?:\.[^\W\d]\w*)?)((?:\[\d+\])*))\}")
_INDEX = re.compile(r"\[(\d+)\]")


class Limits(NamedTuple):
    """How often a loop may turn, and how many of its iterations run at once."""

    iterations: int
    parallelism: int


def read_limits(content: str | None) -> Limits:
    """A loop's limits. One iteration at a time unless `parallelism` says more. Raises Malformed."""
    if not (content or "").strip():
        return Limits(DEFAULT_ITERATIONS, 1)
    found = block(read_json(content, "an object with `maxIterations`"), "for-each", "do-while")
    iterations, parallelism = found.get("maxIterations"), found.get("parallelism")
    return Limits(
        DEFAULT_ITERATIONS if iterations is None else as_number(iterations, "`maxIterations`", 1, MAX_ITERATIONS),
        1 if parallelism is None else as_number(parallelism, "`parallelism`", 1, MAX_PARALLELISM),
    )


def elements_of(value: Value) -> tuple[str | Row, ...]:
    """What a loop goes over: the members of a row or the rows; a text is split at its commas, an empty one has none."""
    if isinstance(value, str):
        return tuple(value.split(",")) if value.strip() else ()
    return cast(tuple[str | Row, ...], value)


def check_elements(elements: Sequence[str | Row], limits: Limits) -> None:
    """Raises Malformed, before the first iteration, when there are more elements than iterations."""
    if len(elements) > limits.iterations:
        raise Malformed(
            f"{len(elements)} elements, but at most {limits.iterations} iterations; "
            f"`maxIterations` can be raised to {MAX_ITERATIONS}"
        )


@dataclass(frozen=True, slots=True)
class Iteration:
    """What the inner tasks of one turn see. `inputs` are the loop's input variables, `loopDataArray` among them."""

    offset: int
    inputs: Mapping[str, Value] = field(default_factory=dict[str, Value])
    current: str | Row | None = None

    @property
    def loop_times(self) -> int:
        return self.offset + 1


def prepare(script: str, iteration: Iteration) -> tuple[str, dict[str, str]]:
    """The script with its offsets in place, and what its other `${dag.…}` stand for, by the text inside `${…}`.

    Offsets come first, so that `${dag.input[${dag.offset}]}` picks the member of the turn. Raises Malformed for an
    index out of range and for a name that the loop does not have.
    """
    numbers = {"offset": str(iteration.offset), "loopTimes": str(iteration.loop_times)}
    script = _OFFSET.sub(lambda match: numbers[match[1]], script)
    values: dict[str, str] = {}
    for match in _REFERENCE.finditer(script):
        indexes = [int(number) for number in _INDEX.findall(match[3])]
        values[match[1]] = _value(match[2], indexes, match[0], iteration)
    return script, values


def _value(name: str, indexes: Sequence[int], shown: str, iteration: Iteration) -> str:
    if name == CURRENT and iteration.current is not None:
        return pick(iteration.current, indexes, shown)
    whole, _, rest = name.partition(".")
    if whole in iteration.inputs:
        elements = cast(Value, elements_of(iteration.inputs[whole]))
        if rest == "length" and not indexes:
            return str(len(elements))
        if not rest:
            return pick(elements, indexes, shown) if indexes else render(iteration.inputs[whole])
    known = [CURRENT] if iteration.current is not None else []
    known += [part for item in iteration.inputs for part in (item, f"{item}.length")]
    raise Malformed(f"{shown}: the loop has no such value; it has {', '.join(['offset', 'loopTimes', *known])}")


def goes_on(output: str) -> bool:
    """What the end task of a do-while decided: its last line that is not blank is True or False. Raises Malformed."""
    line = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    if line.lower() not in ("true", "false"):
        raise Malformed(f"the end task's last line is `{line[:200]}`: True or False is expected")
    return line.lower() == "true"


class Step(NamedTuple):
    """What a loop does next: start the iterations of these offsets; or it is over, `failed` saying how."""

    start: tuple[int, ...] = ()
    over: bool = False
    failed: bool = False


def next_of_traverse(count: int, limits: Limits, ended: Mapping[int, bool], running: frozenset[int]) -> Step:
    """What a for-each over `count` elements does next; `ended` says of an offset whether it succeeded.

    One at a time, a failed iteration ends the loop; in parallel the others go on, and the loop fails at its end.
    An automatic rerun begins with the succeeded ones in `ended` and so repeats the others only (K27).
    """
    failed = not all(ended.values())
    if failed and limits.parallelism == 1:
        return Step(over=not running, failed=True)
    waiting = [offset for offset in range(count) if offset not in ended and offset not in running]
    room = max(0, limits.parallelism - len(running))
    if waiting[:room]:
        return Step(start=tuple(waiting[:room]))
    return Step(over=not running and not waiting, failed=failed)


def next_of_cycle(done: int, limits: Limits, *, more: bool) -> Step:
    """What a do-while does after `done` turns; `more` is what its end task said. Raises Malformed at the limit."""
    if not more:
        return Step(over=True)
    if done >= limits.iterations:
        raise Malformed(f"the end task still says True after {done} iterations, which is the limit")
    return Step(start=(done,))
