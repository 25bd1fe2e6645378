"""Conditions of branch arms."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.control.conditions import ConditionError, evaluate, holds
from tidemill.domain.substitution import render


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        pytest.param("'${para1}' == 'test1'", {"para1": "test1"}, True, id="K01"),
        pytest.param("${n} > 10", {"n": "42"}, True, id="K03"),
        pytest.param("${input}==1", {"input": "1"}, True, id="K05 arm 1"),
        pytest.param("${input}>2", {"input": "1"}, False, id="K05 arm 2"),
        pytest.param("${input}>2", {"input": "3"}, True, id="K06 arm 2"),
        pytest.param("${input}==1 or ${input}>2", {"input": "2"}, False, id="K07"),
        pytest.param("0 < ${n} <= 42", {"n": "42"}, True, id="chained"),
        pytest.param("0 < ${n} < 42", {"n": "42"}, False, id="chained, false at its end"),
        pytest.param("'${c}' in ('a', 'b') and not ('${c}' == 'b')", {"c": "a"}, True, id="membership"),
        pytest.param("${n} not in [1, 2]", {"n": "3"}, True, id="no member"),
        pytest.param("'b' in 'abc'", {}, True, id="part of a text"),
        pytest.param("(1 + 2) * 3 - 4 / 2 == 7 and 7 // 2 == 3 and 7 % 4 == 3 and 2 ** 10 == 1024", {}, True,
                     id="arithmetic"),
        pytest.param("-${n} < +1", {"n": "1"}, True, id="signs"),
        pytest.param("(" * 90 + "1" + ")" * 90, {}, True, id="parentheses alone are no depth"),
        pytest.param("True", {}, True, id="a literal"),
        pytest.param("''", {}, False, id="an empty text is false"),
        pytest.param("  '${n}' == '1'\n", {"n": "1"}, True, id="space around"),
        pytest.param("1 or undefined", {}, True, id="what follows a decided or is not computed"),
        pytest.param("'a' + 'b' == 'ab' and 'a' * 3 == 'aaa'", {}, True, id="texts"),
        pytest.param("'${x}' == '${' + 'x}'", {}, True, id="an undeclared reference inside quotes stays"),
    ],
)  # fmt: skip
def test_a_condition_is_what_python_says(expression: str, values: dict[str, str], expected: bool) -> None:
    assert holds(render(expression, values)) is expected


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        pytest.param("test1 == 'test1'", "name 'test1' is not defined; a text needs quotes", id="K02"),
        pytest.param("'42' > 10", "'42' and 10: '>' not supported", id="K04"),
        pytest.param("", "the condition is empty", id="empty"),
        pytest.param("1 ==", "not an expression: 1 ==", id="half an expression"),
        pytest.param("${n} == 1", "not an expression", id="a reference that nothing declares"),
        pytest.param("1 / 0 == 1", "division by zero", id="division"),
        pytest.param("__import__('os').system('true')", "is not served", id="a call"),
        pytest.param("'a'.upper() == 'A'", "is not served", id="a method"),
        pytest.param("[1][0]", "is not served", id="an index"),
        pytest.param("f'{1}' == '1'", "is not served", id="an f-string"),
        pytest.param("[i for i in (1, 2)]", "is not served", id="a comprehension"),
        pytest.param("lambda: 1", "is not served", id="a lambda"),
        pytest.param("(x := 1)", "is not served", id="an assignment"),
        pytest.param("1 if True else 2", "is not served", id="a conditional"),
        pytest.param("b'1'", "is not served", id="bytes"),
        pytest.param("1j == 1", "is not served", id="a complex number"),
        pytest.param("(-8) ** 0.5 == 1", "complex", id="a complex result"),
        pytest.param("None is None", "use ==", id="identity"),
        pytest.param("1 << 9", "is not served", id="bits"),
        pytest.param("9 ** 9 ** 9", "too large", id="a tower of powers"),
        pytest.param("2 ** -999999999", "too large", id="a negative power"),
        pytest.param("10.0 ** 400 > 1", "too large", id="a float out of range"),
        pytest.param("'a' * 999999999 == ''", "repeated", id="a huge text"),
        pytest.param("[0] * 999999999 == ''", "repeated", id="a huge list"),
        pytest.param("'%0999999999d' % 1 == ''", "two numbers", id="formatting"),
        pytest.param("1" * 400 + " == 1", "bits", id="a huge integer"),
        pytest.param("1 == 1 and " * 5000 + "True", "characters", id="a long text"),
        pytest.param("-" * 90 + "1", "deep", id="a deep one"),
        pytest.param("(" * 5000 + "1" + ")" * 5000, "not an expression", id="too deep for the parser"),
        pytest.param("not " * 4000 + "1", "", id="far too deep"),
        pytest.param("1;2", "not an expression", id="two statements"),
        pytest.param("1\x00", "not an expression", id="a zero byte"),
    ],
)
def test_what_cannot_be_computed_is_an_error_that_says_why(expression: str, says: str) -> None:
    with pytest.raises(ConditionError) as raised:
        evaluate(expression)
    assert says in str(raised.value)
    assert len(str(raised.value)) < 1_000


OPERATORS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip


@given(st.integers(-1000, 1000), st.sampled_from(sorted(OPERATORS)), st.integers(-1000, 1000))
def test_two_numbers_compare_as_in_python(left: int, sign: str, right: int) -> None:
    assert evaluate(f"{left} {sign} ({right})") == OPERATORS[sign](left, right)


@given(st.text(alphabet="'\"()[]{},.:;=<>!+-*/%&|^~ab01 \n", max_size=60))
def test_any_text_gives_a_value_or_a_condition_error(text: str) -> None:
    try:
        evaluate(text, {"a": True, "b": False})
    except ConditionError:
        pass
