"""Branches: reading their content, and which arm is chosen."""

import json

import pytest

from tidemill.domain.control.branch import Arm, choose, read_branch, unselected
from tidemill.domain.control.conditions import ConditionError
from tidemill.domain.errors import Malformed

ARMS = (Arm("${input}==1", "p.a"), Arm("${input}>2", "p.b"))


@pytest.mark.parametrize(
    ("value", "chosen", "skipped"),
    [
        pytest.param("1", 0, {"p.b"}, id="K05"),
        pytest.param("3", 1, {"p.a"}, id="K06"),
        pytest.param("2", None, {"p.a", "p.b"}, id="K07"),
    ],
)
def test_the_first_true_arm_is_chosen(value: str, chosen: int | None, skipped: set[str]) -> None:
    assert choose(ARMS, {"input": value}) == chosen
    assert unselected(ARMS, chosen) == skipped


def test_of_several_true_arms_the_first_in_order_is_chosen() -> None:
    assert choose((Arm("False", "p.a"), Arm("True", "p.b"), Arm("True", "p.c")), {}) == 1


def test_a_wrong_condition_is_an_error_also_after_a_true_one() -> None:
    with pytest.raises(ConditionError, match=r"arm 2 \(p\.b\): name 'x' is not defined"):
        choose((Arm("True", "p.a"), Arm("x", "p.b")), {})


def test_an_output_that_the_chosen_arm_shares_is_selected() -> None:
    arms = (Arm("True", "p.a"), Arm("False", "p.a"), Arm("False", "p.b"))
    assert unselected(arms, 0) == {"p.b"}
    assert unselected(arms, 2) == {"p.a"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            [{"condition": "${input}==1", "nodeoutput": "p.a", "description": ""},
             {"condition": "${input}>2", "nodeoutput": "p.b"}],
            id="the older code",
        ),
        pytest.param(
            {"branch": {"branches": [{"when": "${input}==1", "output": {"data": "p.a"}},
                                     {"when": " ${input}>2 ", "output": {"data": "p.b"}}]}},
            id="FlowSpec",
        ),
        pytest.param(
            {"branches": [{"when": "${input}==1", "output": "p.a"}, {"when": "${input}>2", "output": "p.b"}]},
            id="the block alone",
        ),
    ],
)  # fmt: skip
def test_both_shapes_of_the_content_are_read(content: object) -> None:
    assert read_branch(json.dumps(content)) == ARMS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no JSON"),
        ("echo", "no JSON"),
        ("[]", "1 to 50 arms, not 0"),
        (json.dumps([{"condition": "1", "nodeoutput": "a"}] * 51), "not 51"),
        ('[{"condition": "1"}]', "arm 1, `nodeoutput`"),
        ('[{"condition": " ", "nodeoutput": "a"}]', "arm 1, `condition`"),
        ('["a"]', "arm 1: a JSON object"),
        ("{}", "the arms: a JSON list"),
        ("3", "the arms: a JSON list"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_content_that_is_no_branch_is_refused_with_the_place(content: str | None, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_branch(content)
