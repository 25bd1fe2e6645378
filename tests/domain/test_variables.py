"""Variables passed between tasks: their values, and how a script refers to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.definitions import Variable
from tidemill.domain.errors import Malformed
from tidemill.domain.parameters import Resolved
from tidemill.domain.substitution import prepare
from tidemill.domain.variables import Source, Value, from_json, references, source_of, to_json

ROWS = (("101", "beijing"), ("102", "shanghai"))


@pytest.mark.parametrize(
    ("value", "script", "expected"),
    [
        pytest.param(("a", "b", "c"), "${p} ${p[1]}", "a,b,c b", id="V01"),
        pytest.param(("Electronics", "Clothing, Shoes"), "${p[1]}", "Clothing, Shoes", id="V02"),
        pytest.param(("10", "20", "30", "40"), "${p[3]}", "40", id="V03"),
        pytest.param(ROWS, "${p[1][1]}", "shanghai", id="V04"),
        pytest.param(ROWS, "${p}", "101,beijing\n102,shanghai", id="V04 as a whole"),
        pytest.param(ROWS, "${p[0]}", "101,beijing", id="V04 one row"),
        pytest.param((("table_A",),), "SELECT * FROM ${p}", "SELECT * FROM table_A", id="V05"),
        pytest.param(("y",), "${p}", "y", id="V06"),
        pytest.param("abc", "${p}", "abc", id="V07"),
        pytest.param("20251031", "${p}", "20251031", id="V08"),
        pytest.param("a", "${q[3]} ${#q[@]} ${q}", "${q[3]} ${#q[@]} ${q}", id="arrays of the shell stay"),
        pytest.param("${p}", "${p}", "${p}", id="nothing is replaced inside a replacement"),
        pytest.param((), "<${p}>", "<>", id="an empty row"),
    ],
)
def test_a_reference_is_replaced_by_the_value(value: Value, script: str, expected: str) -> None:
    prepared = prepare("DIDE_SHELL", script, Resolved(), references(script, {"p": value}))
    assert prepared.script == expected


@pytest.mark.parametrize(
    ("value", "script", "says"),
    [
        pytest.param(("a",), "${p[1]}", r"\$\{p\[1\]\}: there is no member 1, only 1", id="a row"),
        pytest.param(ROWS, "${p[2]}", "there is no member 2", id="rows"),
        pytest.param(ROWS, "${p[0][2]}", "there is no member 2", id="a cell"),
        pytest.param("abc", "${p[0]}", "a text has no members", id="a text"),
        pytest.param(ROWS, "${p[0][0][0]}", "a text has no members", id="inside a cell"),
    ],
)
def test_an_index_out_of_range_is_an_error(value: Value, script: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        references(script, {"p": value})


rows = st.lists(st.lists(st.text()).map(tuple), min_size=1).map(tuple)


@given(st.text() | st.lists(st.text()).map(tuple) | rows)
def test_a_value_comes_back_as_it_was_stored(value: Value) -> None:
    assert from_json(to_json(value)) == value


@pytest.mark.parametrize(
    ("type", "value", "source"),
    [
        ("NodeOutput", "project_001.first_node:bizdate_param", Source("project_001.first_node", "bizdate_param")),
        ("PassThrough", "p.hub:q", Source("p.hub", "q")),
        ("Constant", "p.first:c", Source("p.first", "c")),
        ("NodeOutput", "p.odd:name:outputs", Source("p.odd:name", "outputs")),
        ("Constant", "value1", None),
        ("Constant", "10:30 today", None),
        ("Constant", "http://localhost:8080", None),
        ("Constant", None, None),
        ("System", "$bizdate", None),
        ("System", "$[hh24:mi]", None),
    ],
)
def test_an_input_refers_to_an_output_and_its_variable(type: str, value: str | None, source: Source | None) -> None:
    assert source_of(Variable(name="v", type=type, value=value)) == source  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["p.first", ":x", "p.first:", "a b:c", None])
def test_a_script_output_needs_a_reference(value: str | None) -> None:
    with pytest.raises(Malformed, match="`<output of an upstream task>:<its variable>` is expected"):
        source_of(Variable(name="v", type="NodeOutput", value=value))
