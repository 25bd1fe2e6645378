"""CONTROLLER_BRANCH: which arm is chosen, and which outputs are therefore not (scheduling-semantics 10.1).

Content: `[{"condition", "nodeoutput", "description"}]`, or FlowSpec's
`{"branch": {"branches": [{"when", "desc", "output": {"data"}}]}}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tidemill.domain.control.conditions import ConditionError, holds
from tidemill.domain.control.content import Object, as_list, as_object, as_text, block, output_of, read_json
from tidemill.domain.errors import Malformed
from tidemill.domain.substitution import render

MAX_ARMS = 50


@dataclass(frozen=True, slots=True)
class Arm:
    """A condition, and the output on which the tasks of the arm depend."""

    condition: str
    output: str
    description: str = ""


def read_branch(content: str | None) -> tuple[Arm, ...]:
    """The arms in their order. Raises Malformed."""
    parsed = read_json(content, "a list of arms with `condition` and `nodeoutput`")
    if isinstance(parsed, dict):
        found = block(cast(Any, parsed), "branch")
        arms = [_arm(item, index, "when", "output", "desc") for index, item in _listed(found.get("branches"))]
    else:
        arms = [_arm(item, index, "condition", "nodeoutput", "description") for index, item in _listed(parsed)]
    if not 1 <= len(arms) <= MAX_ARMS:
        raise Malformed(f"a branch has 1 to {MAX_ARMS} arms, not {len(arms)}")
    return tuple(arms)


def _listed(value: Any) -> Sequence[tuple[int, Any]]:
    return list(enumerate(as_list(value, "the arms")))


def _arm(item: Any, index: int, condition: str, output: str, description: str) -> Arm:
    found: Object = as_object(item, f"arm {index + 1}")
    return Arm(
        as_text(found.get(condition), f"arm {index + 1}, `{condition}`").strip(),
        output_of(found.get(output), f"arm {index + 1}, `{output}`"),
        str(found.get(description) or ""),
    )


def choose(arms: Sequence[Arm], values: Mapping[str, str]) -> int | None:
    """The index of the first arm whose condition is true, None if no one's is; `values` replace `${name}` as text.

    All conditions are computed, so that a wrong one never hides behind a true one. Raises ConditionError.
    """
    results: list[bool] = []
    for index, arm in enumerate(arms):
        try:
            results.append(holds(render(arm.condition, values)))
        except ConditionError as error:
            raise ConditionError(f"arm {index + 1} ({arm.output}): {error}") from error
    return next((index for index, result in enumerate(results) if result), None)


def unselected(arms: Sequence[Arm], chosen: int | None) -> frozenset[str]:
    """The outputs whose downstream is not executed; an output that the chosen arm shares with others is selected."""
    selected = {arms[chosen].output} if chosen is not None else set[str]()
    return frozenset(arm.output for arm in arms) - selected
