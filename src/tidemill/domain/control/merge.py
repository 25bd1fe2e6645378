"""CONTROLLER_JOIN: whether the ends of its arms are such that what follows may run (scheduling-semantics 10.2).

Content: `{"branchList": [{"node": "<output>", "runStatus": ["1", "2"], "logic": 1}], "resultStatus": "1"}`, where
`logic` joins an arm to those before it (1 and, 2 or); or FlowSpec's `{"join": {"branches": [{"name", "output",
"assertion": {"field": "status", "in": […]}}], "logic": {"expression": "(b1 and b2) or b3"}}}`.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidemill.domain.control.conditions import ConditionError, holds
from tidemill.domain.control.content import Object, as_list, as_object, as_text, block, output_of, read_json
from tidemill.domain.errors import Malformed

SUCCESS, NOT_RUN, FAILED = "1", "2", "3"
_CODES = {
    SUCCESS: SUCCESS,
    NOT_RUN: NOT_RUN,
    FAILED: FAILED,
    "success": SUCCESS,
    "notrun": NOT_RUN,
    "not_run": NOT_RUN,
    "branch_not_run": NOT_RUN,
    "conditionunchoose": NOT_RUN,
    "failure": FAILED,
    "failed": FAILED,
    "fail": FAILED,
}
_AND, _OR = "1", "2"
_LOGIC = (ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load)


@dataclass(frozen=True, slots=True)
class MergedArm:
    """One upstream of a merge, by its output, and the status codes with which it counts as true."""

    name: str
    output: str
    accepted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Merge:
    """`expression` joins the arms' names with and, or, not and parentheses."""

    arms: tuple[MergedArm, ...]
    expression: str


def code_of(status: str, recurrence: str) -> str:
    """The status code of an upstream instance that has ended; `recurrence` tells an arm that was not selected."""
    if status != "Success":
        return FAILED
    return NOT_RUN if recurrence == "ConditionUnchoose" else SUCCESS


def read_merge(content: str | None) -> Merge:
    """What a merge waits for and how it decides. Raises Malformed."""
    parsed = block(read_json(content, "an object with `branchList`"), "join")
    merge = _legacy(parsed) if "branchList" in parsed else _flow_spec(parsed)
    if not merge.arms:
        raise Malformed("a merge has at least one arm")
    names = [arm.name for arm in merge.arms]
    if len(set(names)) < len(names):
        raise Malformed("two arms of a merge have the same name")
    _check(merge)
    return merge


def _legacy(parsed: Object) -> Merge:
    if str(parsed.get("resultStatus", SUCCESS)) != SUCCESS:
        raise Malformed("`resultStatus`: only 1, success, is offered")
    arms: list[MergedArm] = []
    expression = ""
    for index, item in enumerate(as_list(parsed["branchList"], "`branchList`")):
        found = as_object(item, f"arm {index + 1}")
        logic = str(found.get("logic", _AND))
        if logic not in (_AND, _OR):
            raise Malformed(f"arm {index + 1}, `logic`: 1 (and) or 2 (or) is expected")
        name = f"b{index + 1}"
        output = output_of(found.get("node"), f"arm {index + 1}, `node`")
        arms.append(MergedArm(name, output, _accepted(found.get("runStatus"), f"arm {index + 1}, `runStatus`")))
        expression = f"({expression}) {'and' if logic == _AND else 'or'} {name}" if expression else name
    return Merge(tuple(arms), _flat(expression, arms))


def _flat(expression: str, arms: list[MergedArm]) -> str:
    """Without parentheses where all arms are joined alike: their number is then no depth."""
    for word in ("and", "or"):
        if f" {'or' if word == 'and' else 'and'} " not in expression:
            return f" {word} ".join(arm.name for arm in arms)
    return expression


def _flow_spec(parsed: Object) -> Merge:
    arms: list[MergedArm] = []
    for index, item in enumerate(as_list(parsed.get("branches"), "`branches`")):
        found = as_object(item, f"arm {index + 1}")
        output = output_of(found.get("output", found.get("nodeId")), f"arm {index + 1}, `output`")
        assertion = as_object(found.get("assertion"), f"arm {index + 1}, `assertion`")
        if assertion.get("field") not in (None, "status"):
            raise Malformed(f"arm {index + 1}: only the field `status` is compared")
        accepted = assertion["in"] if "in" in assertion else [assertion.get("eq")]
        name = as_text(found.get("name", f"b{index + 1}"), f"arm {index + 1}, `name`")
        arms.append(MergedArm(name, output, _accepted(accepted, f"arm {index + 1}, `assertion`")))
    logic: Any = parsed.get("logic")
    expression = as_object(logic, "`logic`").get("expression") if logic is not None else None
    return Merge(
        tuple(arms), as_text(expression or " and ".join(arm.name for arm in arms), "`logic.expression`").strip()
    )


def _accepted(value: Any, what: str) -> frozenset[str]:
    codes = [_CODES.get(str(code).strip().lower()) for code in as_list(value, what)]
    if not codes or None in codes:
        raise Malformed(f"{what}: a list of 1 (success), 2 (not run), 3 (failed) is expected")
    return frozenset(code for code in codes if code is not None)


def _check(merge: Merge) -> None:
    """The expression has nothing but names of arms, and, or, not and parentheses."""
    try:
        nodes = list(ast.walk(ast.parse(merge.expression, mode="eval")))
        holds(merge.expression, dict.fromkeys((arm.name for arm in merge.arms), True))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"`{merge.expression}`: {error}") from error
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    unknown = sorted(names - {arm.name for arm in merge.arms})
    if unknown:
        raise Malformed(f"`{merge.expression}` names {', '.join(unknown)}, which is no arm")
    if not all(isinstance(node, _LOGIC) for node in nodes):
        raise Malformed(f"`{merge.expression}`: only and, or, not, parentheses and names of arms are expected")


def decide(merge: Merge, codes: Mapping[str, str]) -> bool:
    """Whether the merge succeeds; `codes` has each output's status code. Raises ConditionError for one that lacks."""
    missing = sorted(arm.output for arm in merge.arms if arm.output not in codes)
    if missing:
        raise ConditionError(f"{', '.join(missing)}: a merge's arms are among its dependencies, this one is not")
    return holds(merge.expression, {arm.name: codes[arm.output] in arm.accepted for arm in merge.arms})
