"""Loops: their limits, what an iteration sees, and what comes next."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.control import loops
from tidemill.domain.control.loops import Iteration, Limits, Step, elements_of, read_limits
from tidemill.domain.errors import Malformed
from tidemill.domain.substitution import render
from tidemill.domain.variables import Row, Value

DAYS = ("2025-11-01", "2025-11-02", "2025-11-03")
ROWS = (("101", "beijing"), ("102", "shanghai"))
THREE = (("a", "1"), ("b", "2"), ("c", "3"))


def seen(script: str, offset: int, inputs: Mapping[str, Value], current: str | Row | None = None) -> str:
    prepared, values = loops.prepare(script, Iteration(offset, inputs, current))
    return render(prepared, values)


@pytest.mark.parametrize(
    ("value", "script", "expected"),
    [
        pytest.param(DAYS, "${dag.foreach.current} ${dag.loopTimes} ${dag.offset}", "2025-11-02 2 1", id="K21"),
        pytest.param(",".join(DAYS), "${dag.foreach.current} ${dag.loopTimes} ${dag.offset}", "2025-11-02 2 1",
                     id="K21 from a text"),
        pytest.param(ROWS, "${dag.foreach.current} ${dag.foreach.current[0]} ${dag.foreach.current[1]}",
                     "102,shanghai 102 shanghai", id="K22"),
        pytest.param(ROWS, "${dag.loopDataArray[0][1]} ${dag.loopDataArray[1]}", "beijing 102,shanghai", id="cells"),
        pytest.param(ROWS, "${dag.loopDataArray}", "101,beijing\n102,shanghai", id="all of it"),
        pytest.param(DAYS, "${dag.loopDataArray[${dag.offset}]}", "2025-11-02", id="by the offset"),
        pytest.param(DAYS, "${dag.loopDataArray.length}", "3", id="how many"),
        pytest.param(DAYS, "${bizdate} ${dagger}", "${bizdate} ${dagger}", id="other references stay"),
    ],
)  # fmt: skip
def test_an_iteration_of_a_for_each_sees_its_element(value: Value, script: str, expected: str) -> None:
    assert seen(script, 1, {"loopDataArray": value}, elements_of(value)[1]) == expected


@pytest.mark.parametrize(("offset", "row"), [(0, "a,1"), (1, "b,2"), (2, "c,3")])
def test_a_do_while_picks_rows_by_its_offset(offset: int, row: str) -> None:
    """K25."""
    assert seen("${dag.input[${dag.offset}]}", offset, {"input": THREE}) == row
    assert seen("${dag.loopTimes}<${dag.input.length}", offset, {"input": THREE}) == f"{offset + 1}<3"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("${dag.foreach.current}", "the loop has no such value; it has offset, loopTimes, input, input.length"),
        ("${dag.other}", "the loop has no such value"),
        ("${dag.input.size}", "the loop has no such value"),
        ("${dag.input[3]}", "there is no member 3, only 3"),
    ],
)
def test_what_a_loop_has_not_is_an_error(script: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        seen(script, 0, {"input": THREE})


@pytest.mark.parametrize(
    ("value", "elements"),
    [("a,b", ("a", "b")), ("a", ("a",)), ("", ()), (" ", ()), ((), ()), (("a", "b,c"), ("a", "b,c")), (ROWS, ROWS)],
)
def test_elements_are_members_or_rows(value: Value, elements: tuple[str | Row, ...]) -> None:
    assert elements_of(value) == elements


def test_too_many_elements_are_an_error_before_the_first_iteration() -> None:
    """K28."""
    loops.check_elements(["x"] * 128, read_limits(None))
    with pytest.raises(Malformed, match="129 elements, but at most 128 iterations"):
        loops.check_elements(["x"] * 129, read_limits(""))
    loops.check_elements(["x"] * 129, read_limits(json.dumps({"for-each": {"maxIterations": 129}})))


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        ({"for-each": {"maxIterations": 10, "parallelism": 5}}, Limits(10, 5)),
        ({"do-while": {"maxIterations": "4"}}, Limits(4, 1)),
        ({"maxIterations": 1024, "parallelism": 20}, Limits(1024, 20)),
        ({}, Limits(128, 1)),
    ],
)
def test_limits_are_read(content: object, limits: Limits) -> None:
    assert read_limits(json.dumps(content)) == limits


@pytest.mark.parametrize(
    "content", [{"maxIterations": 1025}, {"maxIterations": 0}, {"parallelism": 21}, {"parallelism": True}, [], 3]
)
def test_limits_out_of_range_are_refused(content: object) -> None:
    with pytest.raises(Malformed):
        read_limits(json.dumps(content))


def test_parallel_iterations_go_on_after_a_failure_and_only_the_failed_one_is_repeated() -> None:
    """K26, then K27."""
    limits = Limits(128, 5)
    assert loops.next_of_traverse(7, limits, {}, frozenset()) == Step(start=(0, 1, 2, 3, 4))
    assert loops.next_of_traverse(7, limits, {2: False}, frozenset({0, 1, 3, 4})) == Step(start=(5,))
    ended = {offset: offset != 2 for offset in range(7)}
    assert loops.next_of_traverse(7, limits, ended, frozenset()) == Step(over=True, failed=True)
    kept = {offset: True for offset, succeeded in ended.items() if succeeded}
    assert loops.next_of_traverse(7, limits, kept, frozenset()) == Step(start=(2,))


def test_one_at_a_time_a_failure_ends_the_loop() -> None:
    limits = Limits(128, 1)
    assert loops.next_of_traverse(3, limits, {0: True}, frozenset()) == Step(start=(1,))
    assert loops.next_of_traverse(3, limits, {0: True, 1: False}, frozenset()) == Step(over=True, failed=True)


def test_no_elements_are_no_iterations_and_a_success() -> None:
    assert loops.next_of_traverse(0, Limits(128, 5), {}, frozenset()) == Step(over=True)


@given(st.integers(0, 12), st.integers(1, 5), st.data())
def test_each_iteration_runs_once_and_never_more_at_once_than_allowed(
    count: int, parallelism: int, data: st.DataObject
) -> None:
    limits = Limits(128, parallelism)
    ended: dict[int, bool] = {}
    running: set[int] = set()
    started: list[int] = []
    for _ in range(3 * count + 2):
        step = loops.next_of_traverse(count, limits, ended, frozenset(running))
        started += step.start
        running |= set(step.start)
        assert len(running) <= parallelism
        if step.over:
            break
        if running:
            offset = data.draw(st.sampled_from(sorted(running)))
            running.remove(offset)
            ended[offset] = data.draw(st.booleans())
    assert step.over
    assert step.failed == (not all(ended.values()))
    assert sorted(started) == sorted(set(started))
    if parallelism > 1 or not step.failed:
        assert sorted(started) == list(range(count))


def turns(limit: int, more: int) -> int:
    """How often a do-while turns whose end task says True before turn `more`."""
    done = 1
    while not (step := loops.next_of_cycle(done, Limits(limit, 1), more=done < more)).over:
        assert step.start == (done,)
        done += 1
    return done


@pytest.mark.parametrize(
    ("more", "expected"), [pytest.param(5, 5, id="K23"), pytest.param(1, 1, id="K24"), pytest.param(128, 128, id="128")]
)
def test_a_do_while_turns_until_its_end_task_says_false(more: int, expected: int) -> None:
    assert turns(128, more) == expected


def test_a_do_while_that_reaches_its_limit_fails() -> None:
    with pytest.raises(Malformed, match="still says True after 128 iterations"):
        turns(128, 129)


@pytest.mark.parametrize(("output", "more"), [("True\n", True), ("x\nFalse\n\n", False), (" true ", True)])
def test_the_end_task_prints_whether_to_go_on(output: str, more: bool) -> None:
    assert loops.goes_on(output) is more


@pytest.mark.parametrize("output", ["", "yes", "1", "True False"])
def test_an_end_task_that_prints_anything_else_fails(output: str) -> None:
    with pytest.raises(Malformed, match="True or False is expected"):
        loops.goes_on(output)
