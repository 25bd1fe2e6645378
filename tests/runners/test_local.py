"""The local runner with real processes: what runs, what ends it, and what no death may lose."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runners.conftest import Station, run
from tidemill.runners.local import wire
from tidemill.runners.local.client import _PACKAGES
from tidemill.runners.local.journal import Journal


def appends(path: Path, text: str = "x") -> str:
    return f"printf {text} >> {path}"


def test_each_of_fifty_runs_runs_once(station: Station, tmp_path: Path) -> None:
    marks = [tmp_path / f"{i}" for i in range(50)]
    runs = [run(i, appends(mark)) for i, mark in enumerate(marks)]
    station.runner.submit(runs)
    station.runner.submit(runs)
    assert [result.exit_code for result in station.results(50)] == [0] * 50
    assert [mark.read_text() for mark in marks] == ["x"] * 50


def test_a_shell_task_gets_arguments_environment_and_a_directory_of_its_own(station: Station) -> None:
    os.environ["TIDEMILL_SECRET_KEY"] = "do not tell"
    try:
        script = 'printf "%s|" "$1" "$2" "$K"; pwd; ls; env; echo err >&2; exit 3'
        station.runner.submit([run(7, script, arguments=("a b", "ü\n"), environment={"K": "v"})])
        (result,) = station.results(1)
    finally:
        del os.environ["TIDEMILL_SECRET_KEY"]
    assert (result.outcome, result.exit_code) == ("exited", 3)
    text = station.log(7)
    assert text.startswith(f"a b|ü\n|v|{station.data}/work/7-1\nscript.sh\n")
    assert "do not tell" not in text
    assert "TIDEMILL_RUN=7.1" in text
    assert text.endswith("err\n")
    assert list((station.data / "work").iterdir()) == []


def test_a_python_task_runs_in_a_fresh_interpreter(station: Station) -> None:
    station.runner.submit([run(1, "import sys; print(sys.argv[1:], __name__)", task_type="PYTHON", arguments=("x",))])
    assert station.results(1)[0].exit_code == 0
    assert station.log(1) == "['x'] __main__\n"


def test_a_large_script_runs(station: Station) -> None:
    station.runner.submit([run(1, "# " + "x" * 900_000 + "\necho done")])
    assert station.results(1)[0].exit_code == 0
    assert station.log(1) == "done\n"


def test_a_type_without_executor_is_refused_and_its_log_names_those_served(station: Station) -> None:
    station.runner.submit([run(1, task_type="ODPS_SQL")])
    (result,) = station.results(1)
    assert (result.outcome, result.started) == ("refused", 0)
    assert "ODPS_SQL" in station.log(1)
    assert "DIDE_SHELL, PYTHON, VIRTUAL" in station.log(1)


def test_a_signal_shows_as_a_negative_exit_code(station: Station) -> None:
    station.runner.submit([run(1, "kill -11 $$")])
    assert station.results(1)[0].exit_code == -11


def test_what_a_run_leaves_in_the_background_ends_with_it(station: Station) -> None:
    station.runner.submit([run(1, "sleep 1000 & (setsid sleep 1000 &); sleep 0.05")])
    assert station.results(1)[0].exit_code == 0
    assert not station.alive()


def test_a_stop_ends_the_whole_run_even_one_that_ignores_sigterm(station: Station) -> None:
    station.runner.submit([run(1, "trap '' TERM; (setsid sleep 1000 &); echo up; sleep 1000; sleep 1000")])
    station.until(lambda: "up" in station.log(1))
    station.runner.stop(1, 1)
    (result,) = station.results(1)
    assert result.outcome == "stopped"
    assert not station.alive()


def test_a_program_that_ends_well_after_a_stop_was_stopped_all_the_same(station: Station) -> None:
    station.runner.submit([run(1, "trap 'exit 0' TERM; echo up; sleep 1000 & wait")])
    station.until(lambda: "up" in station.log(1))
    station.runner.stop(1, 1)
    (result,) = station.results(1)
    assert (result.outcome, result.exit_code) == ("stopped", 0)


def test_a_stop_before_the_run_arrived_keeps_it_from_starting(station: Station, tmp_path: Path) -> None:
    station.runner.stop(1, 1)
    station.runner.submit([run(1, appends(tmp_path / "mark")), run(2)])
    assert [result.outcome for result in station.results(2)] == ["stopped", "exited"]
    assert not (tmp_path / "mark").exists()


def test_a_timeout_ends_a_run(station: Station) -> None:
    station.runner.submit([run(1, "sleep 1000", timeout=1)])
    assert station.results(1)[0].outcome == "timed_out"
    assert not station.alive()


def test_results_wait_for_the_next_server_and_come_until_acknowledged(station: Station, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    station.runner.submit(
        [run(i, f"until [ -e {gate} ]; do sleep 0.01; done; " + appends(tmp_path / f"{i}")) for i in (1, 2)]
    )
    station.until(lambda: len(station.alive()) >= 2)
    station.vanish()
    gate.touch()
    station.until(lambda: not station.alive())
    station.server()
    assert len(station.results(2, acknowledge=False)) == 2
    station.vanish()
    station.server()
    assert [result.exit_code for result in station.results(2)] == [0, 0]
    station.vanish()
    station.server()
    station.runner.submit([run(3)])
    assert [result.instance for result in station.results(1)] == [3], "the others were acknowledged"
    assert [(tmp_path / f"{i}").read_text() for i in (1, 2)] == ["x", "x"]


def test_a_dead_runner_takes_its_tasks_along_and_they_count_as_lost(station: Station) -> None:
    station.runner.submit([run(1, "(setsid sleep 1000 &); echo up; sleep 1000")])
    station.until(lambda: "up" in station.log(1))
    os.kill(station.runner_process, signal.SIGKILL)
    (result,) = station.results(1)
    assert result.outcome == "lost"
    assert not station.alive()
    station.runner.submit([run(1, number=2)])
    assert station.results(1)[0].exit_code == 0


def test_guard_and_runner_killed_together_leave_no_second_life(station: Station) -> None:
    station.runner.submit([run(1, "(setsid sleep 1000 &); echo up; sleep 1000")])
    station.until(lambda: "up" in station.log(1))
    guard, child = station.guard, station.runner_process
    os.kill(guard, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    (result,) = station.results(1)
    assert result.outcome == "lost"
    assert not station.alive()


def test_a_run_that_the_runner_never_accepted_is_sent_to_the_next_one(station: Station) -> None:
    os.kill(station.runner_process, signal.SIGSTOP)
    stopped = station.runner_process
    station.runner.submit([run(1)])
    os.kill(stopped, signal.SIGKILL)
    assert station.results(1)[0].exit_code == 0


def test_the_server_s_own_end_interrupts_what_does_not_end_in_time(station: Station) -> None:
    station.runner.submit([run(1, "echo up; sleep 1000"), run(2, "sleep 0.2")])
    station.until(lambda: "up" in station.log(1))
    guard = station.guard
    results = {result.instance: result.outcome for result in station.runner.close(stop_runs=True, grace=1.0)}
    assert results == {1: "interrupted", 2: "exited"}
    assert not Path(f"/proc/{guard}").exists()
    station.server()
    assert len(station.results(2)) == 2, "unacknowledged results are still there"


def test_an_idle_runner_without_a_server_leaves(station: Station) -> None:
    station.runner.close(stop_runs=True, grace=0)
    station.server(idle=0.05)
    guard = station.runner._guard
    station.vanish()
    assert guard is not None
    assert guard.wait(20) == 0
    station.server()


def test_a_runner_that_is_alone_with_a_long_task_sleeps(station: Station) -> None:
    station.runner.close(stop_runs=True, grace=0)
    station.server(idle=0.05)
    station.runner.submit([run(1, "echo up; sleep 1000")])
    station.until(lambda: "up" in station.log(1))
    process = station.runner_process
    station.vanish()
    asleep: list[str] = []

    def often_asleep() -> bool:
        stat = Path(f"/proc/{process}/stat").read_text()
        asleep.append(stat.rpartition(")")[2].split()[0])
        return len(asleep) == 100

    station.until(often_asleep)
    assert asleep.count("S") > 90, "it waits for its task, and does not spin"
    station.server()


def test_output_above_the_limit_is_cut_in_the_middle(station: Station) -> None:
    station.runner.close(stop_runs=True, grace=0)
    station.server(max_log=100_000)
    station.runner.submit([run(1, "echo first; head -c 2000000 /dev/zero | tr '\\0' x; echo last")])
    assert station.results(1)[0].exit_code == 0
    text = station.log(1)
    assert text.startswith("first")
    assert text.endswith("last\n")
    assert "above the limit of 100000 bytes was cut out" in text
    used = (station.data / "logs/20260101/1/1.log").stat().st_blocks * 512
    assert used < 200_000


def test_a_data_directory_may_have_a_long_path(tmp_path: Path) -> None:
    station = Station(tmp_path / ("d" * 100) / ("e" * 100))
    station.runner.submit([run(1)])
    assert station.results(1)[0].exit_code == 0
    station.end()


def test_the_journal_survives_a_torn_last_line(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('["a",1,1]\n["a",2,1]\n["x",2,1,"exited",0,1,2,3,""]\n["x",1,1,"exi')
    journal = Journal(str(tmp_path))
    assert journal.accepted == {(1, 1)}
    assert list(journal.ended) == [(2, 1)]
    journal.acknowledge([(2, 1)])
    journal.close()
    again = Journal(str(tmp_path))
    assert (again.accepted, again.ended) == ({(1, 1)}, {})
    again.close()


def test_messages_may_arrive_in_pieces() -> None:
    import socket

    here, there = socket.socketpair()
    lines = wire.Lines(there)
    for piece in (b'["a"', b",1]", b'\n["b"]\n["c'):
        here.sendall(piece)
        found = lines.read()
    assert found == [["a", 1], ["b"]]
    here.sendall(b'"]\n')
    assert lines.read() == [["c"]]
    here.close()
    with pytest.raises(EOFError):
        lines.read()
    there.close()


def test_guard_and_runner_import_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tidemill.runners.local import guard; "
        "print(*{name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    out = subprocess.run([sys.executable, "-S", "-E", "-s", "-c", code, _PACKAGES], capture_output=True, text=True)
    assert set(out.stdout.split()) <= {"tidemill", "__main__"}, out.stderr
