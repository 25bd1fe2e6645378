"""Assignments: which script runs, and what its output is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.control.assignment import MAX_OUTPUT, Assignment, read_assignment, result_of
from tidemill.domain.errors import Malformed


@pytest.mark.parametrize(
    ("output", "result"),
    [
        pytest.param("a,b,c\n", ("a", "b", "c"), id="V01"),
        pytest.param("Electronics,Clothing\\, Shoes\n", ("Electronics", "Clothing, Shoes"), id="V02"),
        pytest.param("10,20,30,40\n", ("10", "20", "30", "40"), id="V03"),
        pytest.param("x\ny\n", ("y",), id="V06"),
        pytest.param("x\n\n  \n", ("x",), id="blank lines are no output"),
        pytest.param("", None, id="V09"),
        pytest.param(" \n\n", None, id="V09 blank"),
        pytest.param("a,,b", ("a", "", "b"), id="an empty member, and no line end"),
        pytest.param("a\r\n", ("a",), id="a carriage return"),
        pytest.param("数据,值\n", ("数据", "值"), id="not ASCII"),
    ],
)
def test_the_last_line_is_the_output_split_at_commas(output: str, result: tuple[str, ...] | None) -> None:
    assert result_of(output) == result


def test_at_most_two_megabytes_are_passed_on() -> None:
    assert result_of("x" * MAX_OUTPUT) == ("x" * MAX_OUTPUT,)
    with pytest.raises(Malformed, match="the output has 2000001 bytes"):
        result_of("x" * (MAX_OUTPUT + 1))


members = st.lists(st.text(alphabet="ab ,.値", max_size=5), min_size=1).filter(lambda listed: "".join(listed).strip())


@given(members)
def test_members_with_escaped_commas_come_back(listed: list[str]) -> None:
    assert result_of(",".join(member.replace(",", "\\,") for member in listed)) == tuple(listed)


@pytest.mark.parametrize(
    ("content", "assignment"),
    [
        pytest.param("echo a", Assignment("DIDE_SHELL", "echo a"), id="plain"),
        pytest.param("#!/usr/bin/env python3\nprint(1)", Assignment("PYTHON", "#!/usr/bin/env python3\nprint(1)"),
                     id="plain, with a first line that names Python"),
        pytest.param(json.dumps({"language": "shell", "content": "echo a"}), Assignment("DIDE_SHELL", "echo a"),
                     id="shell"),
        pytest.param(json.dumps({"language": "python2", "content": "print(1)"}), Assignment("PYTHON", "print(1)"),
                     id="python"),
        pytest.param(json.dumps({"script": {"language": "shell-script", "content": "echo a"}}),
                     Assignment("DIDE_SHELL", "echo a"), id="FlowSpec"),
        pytest.param("{ echo a; }", Assignment("DIDE_SHELL", "{ echo a; }"), id="a shell group is no JSON"),
        pytest.param(None, Assignment("DIDE_SHELL", ""), id="nothing"),
    ],
)  # fmt: skip
def test_what_runs_follows_from_the_content(content: str | None, assignment: Assignment) -> None:
    assert read_assignment(content) == assignment


@pytest.mark.parametrize(("language", "says"), [("odps", "not served"), ("perl", "shell or python")])
def test_other_languages_are_refused(language: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_assignment(json.dumps({"language": language, "content": "SELECT 1"}))
