"""Merges: reading their content, and whether their rule holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.control.conditions import ConditionError
from tidemill.domain.control.merge import code_of, decide, read_merge
from tidemill.domain.errors import Malformed


def legacy(logic: int, accepted: list[str], *outputs: str) -> dict[str, Any]:
    return {
        "branchList": [{"node": output, "runStatus": accepted, "logic": logic} for output in outputs],
        "resultStatus": "1",
    }


def flow_spec(expression: str | None, accepted: list[str], *outputs: str) -> dict[str, Any]:
    arms = [
        {"name": f"b{index + 1}", "output": {"data": output}, "assertion": {"field": "status", "in": accepted}}
        for index, output in enumerate(outputs)
    ]
    return {"join": {"branches": arms, "logic": {"expression": expression}}}


@pytest.mark.parametrize(
    ("codes", "accepted", "logic", "succeeds"),
    [
        pytest.param("12", ["1", "2"], 1, True, id="K09"),
        pytest.param("12", ["1", "2"], 1, True, id="K11"),
        pytest.param("32", ["1", "2"], 1, False, id="K12"),
        pytest.param("31", ["1"], 2, True, id="K13"),
        pytest.param("11", ["1"], 1, True, id="K14"),
        pytest.param("33", ["3"], 1, True, id="failures that are accepted"),
        pytest.param("22", ["1"], 2, False, id="none of them"),
    ],
)
def test_a_merge_decides_by_the_status_of_its_arms(codes: str, accepted: list[str], logic: int, succeeds: bool) -> None:
    found = dict(zip(("p.a", "p.b"), codes, strict=True))
    assert decide(read_merge(json.dumps(legacy(logic, accepted, "p.a", "p.b"))), found) is succeeds
    joined = "b1 and b2" if logic == 1 else "b1 or b2"
    assert decide(read_merge(json.dumps(flow_spec(joined, accepted, "p.a", "p.b"))), found) is succeeds


@pytest.mark.parametrize(
    ("expression", "codes", "succeeds"),
    [
        ("(b1 and b2) or b3", "331", True),
        ("(b1 and b2) or b3", "133", False),
        ("b1 and (b2 or b3)", "131", True),
        ("b1 or b2 and b3", "133", True),
        ("not b1 and b2", "313", True),
        (None, "111", True),
        (None, "113", False),
    ],
)
def test_the_expression_of_a_flow_spec_is_logic_on_the_arms_names(
    expression: str | None, codes: str, succeeds: bool
) -> None:
    merge = read_merge(json.dumps(flow_spec(expression, ["SUCCESS"], "a", "b", "c")))
    assert decide(merge, dict(zip("abc", codes, strict=True))) is succeeds


@pytest.mark.parametrize(
    ("status", "recurrence", "code"),
    [("Success", "Normal", "1"), ("Success", "Skip", "1"), ("Success", "ConditionUnchoose", "2"),
     ("Failure", "Normal", "3"), ("Failure", "ConditionUnchoose", "3")],
)  # fmt: skip
def test_status_codes_come_from_status_and_recurrence(status: str, recurrence: str, code: str) -> None:
    assert code_of(status, recurrence) == code


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_arms_of_mixed_logic_are_joined_from_the_left(arms: list[tuple[bool, bool]]) -> None:
    """The first of each pair says whether an arm succeeded, the second whether it is joined by or."""
    content = {
        "branchList": [
            {"node": f"o{index}", "runStatus": ["1"], "logic": 2 if either else 1}
            for index, (_, either) in enumerate(arms)
        ]
    }
    expected = arms[0][0]
    for succeeded, either in arms[1:]:
        expected = (expected or succeeded) if either else (expected and succeeded)
    codes = {f"o{index}": "1" if succeeded else "3" for index, (succeeded, _) in enumerate(arms)}
    assert decide(read_merge(json.dumps(content)), codes) is expected


def test_many_arms_are_no_depth() -> None:
    outputs = [f"o{index}" for index in range(200)]
    assert decide(read_merge(json.dumps(legacy(2, ["1"], *outputs))), dict.fromkeys(outputs, "1"))


def test_the_list_of_arms_may_be_json_in_a_text() -> None:
    content = legacy(1, ["1"], "a")
    content["branchList"] = json.dumps(content["branchList"])
    assert read_merge(json.dumps(content)).arms[0].output == "a"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x", "no JSON"),
        ("[]", "a JSON object"),
        ("{}", "`branches`: a JSON list"),
        (json.dumps(legacy(1, ["1"])), "at least one arm"),
        (json.dumps(legacy(3, ["1"], "a")), r"`logic`: 1 \(and\) or 2"),
        (json.dumps(legacy(1, ["9"], "a")), "`runStatus`: a list of 1"),
        (json.dumps(legacy(1, [], "a")), "`runStatus`: a list of 1"),
        (json.dumps({**legacy(1, ["1"], "a"), "resultStatus": "3"}), "resultStatus"),
        (json.dumps(flow_spec("b1 and b3", ["1"], "a", "b")), "'b3' is not defined"),
        (json.dumps(flow_spec("b1 or b3", ["1"], "a", "b")), "names b3, which is no arm"),
        (json.dumps(flow_spec("b1 == 1", ["1"], "a")), "only and, or, not"),
        (json.dumps(flow_spec("b1 and", ["1"], "a")), "b1 and"),
    ],
)
def test_content_that_is_no_merge_is_refused_with_the_place(content: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_merge(content)


def test_an_arm_that_is_no_dependency_is_an_error() -> None:
    with pytest.raises(ConditionError, match="b: a merge's arms are among its dependencies"):
        decide(read_merge(json.dumps(legacy(1, ["1"], "a", "b"))), {"a": "1"})
