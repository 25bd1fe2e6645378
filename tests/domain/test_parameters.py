"""Declaring, levels and substitution. Ids S01 to S15, P88 and P89 are worked examples of the scheduling reference."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tidemill.domain.errors import Malformed
from tidemill.domain.expressions import Base
from tidemill.domain.moments import moment
from tidemill.domain.parameters import (
    Levels,
    Parameter,
    Resolved,
    Workspace,
    declare,
    resolve,
    resolve_levels,
    validate,
)
from tidemill.domain.substitution import prepare, render, secrets_read, undeclared

SHANGHAI = ZoneInfo("Asia/Shanghai")
BASE = Base(moment(datetime(2025, 11, 1), SHANGHAI), date(2025, 10, 31), SHANGHAI, 100001, 100002, 100003)


def resolved(task: str = "", workflow: str = "", base: Base = BASE) -> Resolved:
    return resolve_levels(Levels(task=declare(task), workflow=declare(workflow)), base)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("a=1 b=abc c=$[yyyymmdd-1]", [("a", "1"), ("b", "abc"), ("c", "$[yyyymmdd-1]")]),
        ("$bizdate ${yyyymmdd}", [("1", "$bizdate"), ("2", "${yyyymmdd}")]),
        ("env=prod $bizdate", [("env", "prod"), ("1", "$bizdate")]),
        ("  a=1 \t\n b=2  ", [("a", "1"), ("b", "2")]),
        ("a= b", [("a", ""), ("1", "b")]),
        ("--filter=x=1", [("1", "--filter=x=1")]),
        ('-p "-Ddate=$bizdate -Denv=prod"', [("-", '-p "-Ddate=$bizdate -Denv=prod"')]),
        ("A=1 a=2", [("A", "1"), ("a", "2")]),
        ("", []),
        (None, []),
    ],
)
def test_parameters_are_declared_as_pairs_between_blanks(text: str | None, declared: list[tuple[str, str]]) -> None:
    assert list(declare(text)) == declared


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a=1 a=2", "`a` is declared twice", id="a name twice"),
        pytest.param("1=a b", "`1` is declared twice", id="a number that is also an ordinal"),
        pytest.param("=1", "`=1` has no name in front of `=`", id="no name"),
        pytest.param("a=${b} b=1", "a: `${b}` is not a date format", id="S08 not a date format"),
        pytest.param("d=$[yyyy-mm-dd hh24:mi:ss]", "d: `$[yyyy-mm-dd` has no closing `]`", id="P87 a blank"),
        pytest.param("a=${x} b=${y}", "b: `${y}` is not a date format", id="every fault is told"),
        pytest.param("in=1", "in: an input variable has the same name", id="an input variable's name"),
    ],
)
def test_a_bad_text_is_refused_when_the_definition_is_sent(text: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        validate(text, context_names={"in"})
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("a=1 b=$bizdate $cyctime", []),
        ("m=$[yyyymm-1]", ["m: `$[yyyymm-1]` moves by days and shows none; for months use `$[add_months(yyyymm,-1)]`"]),
        ("a=b=c", ["1: `a=b=c` has several `=` and is taken as a positional value"]),
        ("a-b=c", ["a-b: not a name that a script can use; write letters, digits and `_`"]),
        ('-p "-Da=1"', []),
    ],
)
def test_a_doubtful_text_is_accepted_with_warnings(text: str, warnings: list[str]) -> None:
    assert validate(text) == warnings


def test_p89_values_are_those_of_the_trigger_time_whenever_they_are_computed() -> None:
    assert resolve(declare("dt=$bizdate"), BASE) == resolve(declare("dt=$bizdate"), BASE) == (("dt", "20251031"),)


def test_values_in_an_opaque_parameter_are_computed_too() -> None:
    assert resolve(declare('-p "-Ddate=$bizdate"'), BASE) == (Parameter("-", '-p "-Ddate=20251031"'),)


@pytest.mark.parametrize(
    ("task", "workflow", "script", "expected"),
    [
        pytest.param(
            "dt=$bizdate", "", "select * from t where ds='${dt}'", "select * from t where ds='20251031'", id="S01"
        ),
        pytest.param("a=1 b=abc c=$[yyyymmdd-1]", "", "${a}/${b}/${c}/${d}", "1/abc/20251031/${d}", id="S05"),
        pytest.param("", "", "select ${bdp.system.bizdate}", "select 20251031", id="S06"),
        pytest.param("", "", "${bdp.system.cyctime}", "20251101000000", id="S06, the other name"),
        pytest.param("", "env=prod", "${workflow.env}", "prod", id="S07"),
        pytest.param("env=dev", "env=prod", "${env}/${workflow.env}", "dev/prod", id="both levels of a name"),
        pytest.param("a=1", "", "${a}${a} ${A} $a ${ a }", "11 ${A} $a ${ a }", id="every exact reference"),
        pytest.param("$bizdate", "", "${1}", "${1}", id="positional values have no name in a script"),
    ],
)
def test_sql_gets_its_values_in_the_text(task: str, workflow: str, script: str, expected: str) -> None:
    prepared = prepare("ODPS_SQL", script, resolved(task, workflow))
    assert (prepared.script, prepared.arguments, prepared.args) == (expected, (), {})


def test_p88_two_parameters_make_a_time_with_a_blank() -> None:
    base = Base(moment(datetime(2025, 7, 20, 10, 30), SHANGHAI), date(2025, 7, 19), SHANGHAI, 1, 2, 3)
    values = resolved("d1=$[yyyy-mm-dd] d2=$[hh24:mi:ss-1/24/60]", base=base)
    assert prepare("ODPS_SQL", "'${d1} ${d2}'", values).script == "'2025-07-20 10:29:00'"


def test_s02_a_shell_gets_positional_arguments_in_declaration_order() -> None:
    prepared = prepare("DIDE_SHELL", "echo $1 $2 $3", resolved("$bizdate ${yyyymmdd} $[yyyymmdd]"))
    assert (prepared.script, prepared.arguments) == ("echo $1 $2 $3", ("20251031", "20251031", "20251101"))


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        pytest.param("10=j 2=b 1=a", ("a", "b", "j"), id="numbers are ordered as numbers"),
        pytest.param("env=prod x $bizdate", ("x", "20251031", "prod"), id="$n is the parameter named n; names follow"),
        pytest.param("b=2 a=1", ("2", "1"), id="names alone are arguments as declared"),
        pytest.param('-p "-Da=1 -Db=2"', ('-p "-Da=1 -Db=2"',), id="opaque text is one argument"),
    ],
)
def test_arguments_of_mixed_declarations(task: str, arguments: tuple[str, ...]) -> None:
    assert prepare("PYTHON", "", resolved(task)).arguments == arguments


def test_shell_and_python_get_named_values_in_the_text_too() -> None:
    script = "echo ${dt} ${10} ${HOME} ${x:-1}"
    for task_type in ("DIDE_SHELL", "PYTHON", "Python"):
        assert prepare(task_type, script, resolved("dt=$bizdate")).script == "echo 20251031 ${10} ${HOME} ${x:-1}"


def test_s03_s04_pyodps_reads_args_and_its_text_is_left_alone() -> None:
    prepared = prepare("PYODPS3", "print(args['var1'], '${var1}')", resolved("var1=$bizdate"))
    assert (prepared.script, prepared.args["var1"]) == ("print(args['var1'], '${var1}')", "20251031")


def test_names_with_a_level_and_context_parameters_are_replaced_in_every_type() -> None:
    for task_type in ("ODPS_SQL", "DIDE_SHELL", "PYODPS"):
        prepared = prepare(task_type, "${workflow.env} ${in}", resolved("", "env=prod"), {"in": "x"})
        assert prepared.script == "prod x"


def test_a_replacement_is_not_looked_into() -> None:
    assert render("${a}", {"a": "${b}", "b": "1"}) == "${b}"


def test_names_that_stay_are_listed_once() -> None:
    assert undeclared("${b} ${a} ${b} ${c}", {"a": "1"}) == ["b", "c"]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(Levels(declare("x=3"), declare("x=2"), Workspace(declare("x=1"))), "3", id="S11 the task"),
        pytest.param(Levels((), declare("x=2"), Workspace(declare("x=1"))), "2", id="S12 the workflow"),
        pytest.param(Levels((), (), Workspace(declare("x=1"))), "1", id="S13 the workspace"),
        pytest.param(Levels(declare("x=3"), declare("x=2"), manual=True), "2", id="S14 a manual workflow"),
        pytest.param(Levels(declare("x=3"), declare("x=2"), override=declare("x=4")), "4", id="S15 TaskParameters"),
        pytest.param(
            Levels(declare("x=3"), declare("x=2"), override=declare("x=4"), manual=True), "4", id="in a manual run too"
        ),
        pytest.param(
            Levels(declare("x=3"), declare("x=2"), override=()), "2", id="TaskParameters replace all of the task's"
        ),
    ],
)
def test_the_nearest_level_wins(levels: Levels, expected: str) -> None:
    values = resolve_levels(levels, BASE)
    assert render("${x}", values.values) == expected
    assert values.arguments in ((expected,), ())


@pytest.mark.parametrize(
    ("task_type", "script", "own", "read"),
    [
        ("DIDE_SHELL", "echo ${workspace.x}", "", True),
        ("DIDE_SHELL", "echo ${workspace.x}", "x=1", True),
        ("DIDE_SHELL", "echo ${x}", "", True),
        ("DIDE_SHELL", "echo ${x}", "x=1", False),
        ("DIDE_SHELL", "echo ${v}", "", False),
        ("DIDE_SHELL", "echo x $x ${workspace.xy} ${workflow.x}", "", False),
        ("PYODPS", "print(args['x'])", "", True),
        ("PYODPS", "print(args['x'])", "x=1", False),
        ("PYODPS", "print('${workspace.x}')", "x=1", True),
        ("PYODPS", "print(args['xy'])", "", False),
    ],
)
def test_a_script_reads_the_secrets_that_it_names(task_type: str, script: str, own: str, read: bool) -> None:
    secrets = (Parameter("x", "7:1:Prod"), Parameter("v", "8:1:Prod"))
    values = resolve_levels(Levels(declare(own), workspace=Workspace(secrets=secrets)), BASE)
    assert secrets_read(task_type, script, values, {"v"}) == ({"x": "7:1:Prod"} if read else {})


def test_positional_values_of_a_workflow_are_not_those_of_its_tasks() -> None:
    assert resolve_levels(Levels(workflow=declare("$bizdate")), BASE).arguments == ()


def test_a_name_with_a_dot_cannot_pass_for_a_level() -> None:
    values = resolved("workflow.env=task bdp.system.bizdate=0", "env=prod").values
    assert (values["workflow.env"], values["bdp.system.bizdate"]) == ("prod", "20251031")
