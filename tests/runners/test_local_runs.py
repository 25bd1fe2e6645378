"""What a run is given, and what comes of it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tidemill.runners import logs
from tidemill.runners.local.wire import encode

if TYPE_CHECKING:
    from tests.runners.conftest import Bench


def test_fifty_runs_each_run_exactly_once(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"echo {n} >>{bench.directory}/all; exit {n % 3}", n) for n in range(1, 51)])
    found = {result.instance: result.exit_code for result in bench.results(runner, 50)}
    assert found == {n: n % 3 for n in range(1, 51)}
    assert sorted(map(int, (bench.directory / "all").read_text().split())) == list(range(1, 51))


def test_a_run_submitted_twice_runs_once(bench: Bench) -> None:
    runner = bench.runner()
    once = bench.run(f"echo x >>{bench.directory}/all; read line <{bench.directory}/pipe")
    os.mkfifo(bench.directory / "pipe")
    runner.submit([once, once])
    runner.submit([once])
    (bench.directory / "pipe").write_text("\n")
    assert bench.result(runner).exit_code == 0
    assert (bench.directory / "all").read_text() == "x\n"


def test_a_result_tells_when_and_how(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"echo $$ >{bench.directory}/pid; kill -USR1 $$", 7, 3)])
    result = bench.result(runner)
    assert (result.instance, result.run_number, result.outcome, result.exit_code) == (7, 3, "exited", -10)
    assert result.process_id == bench.number_in("pid")
    assert 0 < result.started <= result.ended


SHOW_ARGUMENTS = {
    "DIDE_SHELL": 'for given in "$@"; do printf "<%s>" "$given"; done',
    "PYTHON": "import sys\nfor given in sys.argv[1:]: print(f'<{given}>', end='')",
}
KINDS = [("DIDE_SHELL", "fresh"), ("PYTHON", "fresh"), ("PYTHON", "forked")]


@pytest.mark.parametrize(("task_type", "python"), KINDS)
def test_arguments_arrive_by_position_as_they_are(bench: Bench, task_type: str, python: str) -> None:
    script = SHOW_ARGUMENTS[task_type]
    runner = bench.runner(python_tasks=python)
    arguments = ("bizdate=20260101", "two words", "two\nlines", "日付 ü", "", "$HOME `x` \"'")
    runner.submit([bench.run(script, task_type=task_type, arguments=arguments)])
    assert bench.result(runner).exit_code == 0
    assert bench.log() == "".join(f"<{argument}>" for argument in arguments)


def test_a_script_of_900_kib_runs(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("# ü\n" * (900 * 1024 // 5) + "echo end")])
    assert bench.result(runner).exit_code == 0
    assert bench.log() == "end\n"


@pytest.mark.parametrize(("task_type", "python"), KINDS)
def test_the_environment_is_made_from_scratch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, task_type: str, python: str
) -> None:
    monkeypatch.setenv("TIDEMILL_SECRET_KEY", "hidden")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    script = {"DIDE_SHELL": "exec env", "PYTHON": "import os\nfor pair in os.environ.items(): print('='.join(pair))"}
    runner = bench.runner(python_tasks=python)
    given = {"SKYNET_BIZDATE": "20260101", "TIDEMILL_RUN": "forged"}
    runner.submit([bench.run(script[task_type], 4, 2, task_type=task_type, environment=given)])
    bench.results(runner)
    found = dict(line.split("=", 1) for line in bench.log(4, 2).splitlines())
    for set_by_bash in ("PWD", "SHLVL", "_"):
        found.pop(set_by_bash, None)
    assert found == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(bench.directory / "work" / "4-2"),
        "SHELL": "/bin/bash",
        "LC_CTYPE": "C.UTF-8",
        "SKYNET_BIZDATE": "20260101",
        "TIDEMILL_RUN": "4.2",
        "TIDEMILL_RUN_DATA": str(bench.directory),
    }


@pytest.mark.parametrize("python", ["fresh", "forked"])
def test_no_descriptor_but_the_three_is_open_and_signals_are_as_usual(bench: Bench, python: str) -> None:
    runner = bench.runner(python_tasks=python)
    script = "import os, signal\nprint(sorted(os.listdir('/proc/self/fd'))[:-1])\n"
    script += "print(signal.pthread_sigmask(signal.SIG_BLOCK, []), os.getsid(0) == os.getpid(), os.read(0, 1))\n"
    script += "print([n for n in range(1, 32) if signal.getsignal(n) == signal.SIG_IGN])"
    runner.submit([bench.run(script, task_type="PYTHON")])
    bench.results(runner)
    ignored_by_python_itself = [signal.SIGPIPE, signal.SIGXFSZ]
    assert bench.log() == f"['0', '1', '2']\nset() True b''\n{[int(n) for n in ignored_by_python_itself]}\n"


def test_output_and_errors_stand_in_the_log_in_their_order(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("for n in 1 2 3; do echo out $n; echo error $n >&2; done")])
    bench.results(runner)
    assert bench.log() == "".join(f"out {n}\nerror {n}\n" for n in (1, 2, 3))


def test_the_working_directory_is_private_and_removed(bench: Bench) -> None:
    runner = bench.runner()
    deep = "mkdir -p a/b/c && touch a/b/c/d && ln -s / a/root && chmod 0 a/b"
    runner.submit([bench.run(f"stat -c %a . $0; {deep}"), bench.run("rm $0; touch other", 2)])
    assert [result.exit_code for result in bench.results(runner, 2)] == [0, 0]
    assert bench.log() == "700\n600\n"
    bench.eventually(lambda: not list((bench.directory / "work").iterdir()))
    bench.eventually(lambda: not list((bench.directory / "runner/trash").iterdir()))


def test_a_directory_that_is_used_again_shows_nothing_of_the_run_before(bench: Bench) -> None:
    runner = bench.runner()
    for number in range(1, 9):  # some of them change what they were given
        change = (
            "true",
            "chmod 755 .",
            "ln $0 ../other",
            "touch .hidden",
            "chmod a+r $0",
            "rm $0",
            "mv $0 x",
            "cat $0",
        )
        secret = f"# {'secret' * 100 * (9 - number)}\n"
        script = f"ls -A; stat -c '%a %h' . $0; {change[number % 8]}\n{secret}"
        runner.submit([bench.run(script, number)])
        assert bench.result(runner).exit_code == 0
        assert bench.log(number).startswith("script.sh\n700 2\n600 1\n")
    bench.eventually(lambda: [path.name for path in (bench.directory / "work").iterdir()] == ["other"])
    for spare in (bench.directory / "runner/spare").iterdir():
        assert (spare / "script.sh").read_text() == "\n"


def test_a_task_type_without_executor_is_refused_with_a_log(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("select 1", task_type="ODPS_SQL")])
    result = bench.result(runner)
    assert (result.outcome, result.exit_code, result.started) == ("refused", None, 0)
    assert "ODPS_SQL" in result.message
    assert "DIDE_SHELL, PYTHON" in result.message
    assert bench.log() == result.message + "\n"


FORKED = {"task_type": "PYTHON", "python": "forked"}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"arguments": ("a\0b",)}, id="a zero byte in an argument"),
        pytest.param({"arguments": ("x" * 3_000_000,)}, id="an argument that is too long for the kernel"),
        pytest.param({"environment": {"A=B": "c"}}, id="a name of a variable that is none"),
        pytest.param({"script": "\ud800"}, id="half a character"),
        pytest.param({"arguments": ("a\0b",), **FORKED}, id="a zero byte in an argument of a fork"),
        pytest.param({"environment": {"A=B": "c"}, **FORKED}, id="a name of a variable that is none, for a fork"),
        pytest.param({"script": "\ud800", **FORKED}, id="half a character for a fork"),
    ],
)
def test_what_cannot_be_started_is_refused_and_the_next_run_runs(bench: Bench, fields: dict[str, Any]) -> None:
    runner = bench.runner()
    script = fields.pop("script", "true")
    runner.submit([bench.run(script, **fields), bench.run("exit 4", 2)])
    refused, good = sorted(bench.results(runner, 2), key=lambda result: result.instance)
    assert refused.outcome == "refused"
    assert refused.message in bench.log()
    assert good.exit_code == 4


def test_nonsense_from_the_server_does_not_disturb_the_tasks(bench: Bench) -> None:
    runner = bench.runner()
    before = bench.runner_process()
    for nonsense in (["submit", [[1]]], ["submit", 7], ["stop"], ["acknowledge", [[1, 2, 3]]], ["what"], []):
        runner._connection.send(*nonsense)
    runner.submit([bench.run("exit 4")])
    assert bench.result(runner).exit_code == 4
    assert bench.runner_process() == before


def test_a_log_that_cannot_be_written_refuses_the_run(bench: Bench) -> None:
    runner = bench.runner()
    (bench.directory / "logs/20260101").write_text("in the way")
    runner.submit([bench.run("true")])
    assert bench.result(runner).outcome == "refused"


def test_a_full_disk_under_the_journal_refuses_the_run(bench: Bench) -> None:
    runner = bench.runner()
    limit = f"import resource\nresource.prlimit({bench.runner_process()}, resource.RLIMIT_FSIZE, (0, 0))"
    exec(limit)  # the journal cannot grow: what a full disk does, without one
    runner.submit([bench.run(f"touch {bench.directory}/started")])
    result = bench.result(runner)
    assert result.outcome == "refused"
    assert "journal" in result.message
    assert not (bench.directory / "started").exists()


def test_a_large_output_is_cut_in_the_middle(bench: Bench) -> None:
    runner = bench.runner(log_cap=1024 * 1024)
    runner.submit([bench.run("echo first; yes 0123456789abcde | head -c 5000000; echo last")])
    bench.results(runner)
    path = bench.directory / "logs/20260101/1-1.log"
    text = logs.read_log(path, 10_000_000, 0)
    assert text.startswith("first\n0123456789abcde\n")
    assert text.endswith("0123456789abcde\nlast\n")
    left_out = int(text.split("[... ")[1].split(" bytes left out ...]")[0])
    assert "\0" not in text
    marker = len(logs.left_out(left_out))
    assert len(text) == 5_000_011 - left_out + marker
    assert len(text) <= 1024 * 1024
    assert path.stat().st_blocks * 512 <= 1024 * 1024


def test_a_data_directory_may_have_a_long_name(bench: Bench) -> None:
    bench.directory = bench.directory / ("d" * 100) / ("e" * 100)
    bench.directory.mkdir(parents=True)
    runner = bench.runner()
    runner.submit([bench.run("exit 5")])
    assert bench.result(runner).exit_code == 5
    runner.close(stop_runs=True, grace=0)


def test_a_run_in_the_order_of_the_wire() -> None:
    from dataclasses import fields

    from tidemill.runners.contract import Result, Run
    from tidemill.runners.local.client import _row
    from tidemill.runners.local.spawn import Submitted

    run = Run(1, 2, "DIDE_SHELL", "true", "log", 3, ("a",), {"B": "c"}, "forked")
    again = Submitted(*_row(run, "fresh"))  # type: ignore[arg-type]
    assert {field.name: getattr(run, field.name) for field in fields(Run)} == {
        field.name: tuple(value) if isinstance(value := getattr(again, field.name), list) else value
        for field in fields(Run)
    }
    assert encode([field.name for field in fields(Result)]).startswith('["instance","run_number","outcome"')


def test_a_runner_tells_the_last_line_of_what_a_run_wrote(bench: Bench) -> None:
    runner = bench.runner()
    run = bench.run("echo x; echo 1,2")
    runner.submit([run])
    bench.result(runner)
    assert runner.output(run.log) == "1,2"


def test_what_has_ended_is_not_said_to_be_running(bench: Bench) -> None:
    """The runner says once a second what it has accepted; by then much of it may be over."""
    runner = bench.runner()
    gate = bench.directory / "gate"
    runner.submit([bench.run(f"until [ -e {gate} ]; do sleep 0.02; done", 1), *(bench.run("true", n) for n in (2, 3))])
    runner.acknowledge(bench.results(runner, 2))

    def said() -> bool:
        assert runner.wait(0.1) == []
        return bool(runner.alive())

    bench.eventually(said)
    assert runner.alive() == {(1, 1)}
    assert runner.running == 1
    gate.touch()
    bench.result(runner)
    assert runner.running == 0
