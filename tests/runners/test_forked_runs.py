"""PYTHON tasks as forks of a process that was started before: like fresh ones, but for what the guide names."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tidemill.runners.local import processes
from tidemill.runners.local.forks import Forks
from tidemill.runners.local.settings import PATH, Settings

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

    from tidemill.runners.contract import Run

# Other versions, where they lie beside the one that runs this.
INTERPRETERS = sorted(Path(sys.base_prefix).parent.glob("3.*/bin/python3")) or [Path(sys.executable)]
PAUSE = "import time\ntime.sleep(1000)\n"


def forked(bench: Bench, script: str, instance: int = 1, run_number: int = 1, **fields: Any) -> Run:
    return bench.run(script, instance, run_number, **{"task_type": "PYTHON", "python": "forked", **fields})


def writing_pid(bench: Bench, name: str, then: str = PAUSE) -> str:
    return f"import os\nopen({str(bench.directory / name)!r}, 'w').write(f'{{os.getpid()}}\\n')\n{then}"


# Each is run by a fresh interpreter and by a fork: exit code and log are to be the same.
ALIKE = {
    "the end": "print('done')",
    "exit without a code": "import sys\nsys.exit()",
    "a code": "raise SystemExit(7)",
    "a negative code": "raise SystemExit(-1)",
    "a code above 255": "raise SystemExit(300)",
    "a text for a code": "import sys\nsys.exit('why it ends')",
    "a code that is true": "raise SystemExit(True)",
    "an exception": "def f():\n    raise ValueError('ü')\nf()",
    "an exception from another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError(1) from e",
    "a mistake of syntax": "print(1)\nif:\n",
    "an interrupt": "raise KeyboardInterrupt",
    "an interrupt by signal": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(100)",
    "a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGUSR1)",
    "abort": "import os\nos.abort()",
    "a code for the kernel": "import os\nos._exit(9)",
    "a hook for exceptions": "import sys\nsys.excepthook = lambda *found: print('hook', found[1])\nraise ValueError(1)",
    "a hook that exits": "import sys\nsys.excepthook = lambda *found: sys.exit(5)\nraise ValueError(1)",
    "work at the exit": "import atexit\nfor n in (1, 2): atexit.register(print, n)\nraise SystemExit(3)",
    "an error at the exit": "import atexit\natexit.register(print, 'after')\nprint('x')",
    "a thread that is waited for": (
        "import threading, time\nf = lambda: (time.sleep(0.05), print('thread'))\n"
        "threading.Thread(target=f).start()\nprint('main')"
    ),
    "a thread that is not": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\nprint('main')"
    ),
    "a pool that is not shut down": (
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(1).submit(print, 'pool')"
    ),
    "a finalizer that prints": "class A:\n    def __del__(self): print('gone', len(x))\nx = [1]\na = A()\na.me = a",
    "a closed stdout": "import sys\nsys.stdout.close()",
    "no stdout": "import sys\nsys.stdout = None\nraise SystemExit(2)",
    "what the main module holds": "print(sorted(globals()))\nprint(__name__, __doc__, __spec__, __package__)",
    "where things are": (
        "import os, sys\nprint(sys.argv, sys.path, sys.flags, getattr(sys, 'orig_argv', 0), __file__, os.getcwd())\n"
        "print(sys.executable, sys.stdout.encoding, sys.stdout.errors, sys.stdin.read(), oct(os.umask(0)))"
    ),
    "main is itself": "import sys\nprint(sys.modules['__main__'].__dict__ is globals(), __builtins__)",
    "what is pickled": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))))",
    "a child of multiprocessing": (
        "import multiprocessing as m\ndef f(): print('child')\nif __name__ == '__main__':\n"
        "    p = m.get_context('spawn').Process(target=f)\n    p.start()\n    p.join()\n    print(p.exitcode)"
    ),
    "children of the shell": "import os\nprint(os.system('exit 3'))\nos.system('echo $HOME $SHLVL $1')",
    "a module of its own": "open('own.py', 'w').write('x = 1')\nimport own\nprint(own.x, own.__file__)",
    "no annotations of the server": "def f(a: undefined): pass",
    "collection": "import gc\nprint(gc.isenabled(), gc.get_threshold())",
    "signals": "import signal\nprint([(n, signal.getsignal(n)) for n in (2, 13, 15, 17)], signal.set_wakeup_fd(-1))",
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, int | None, str]]]:
    """Of each script, how it ended and what it printed: fresh, then forked."""
    from tests.runners.conftest import Bench

    bench = Bench(tmp_path_factory.mktemp("alike"))
    runner = bench.runner()
    found: dict[str, list[tuple[str, int | None, str]]] = {}
    for instance, (name, script) in enumerate(ALIKE.items(), 1):
        for run_number, python in enumerate(("fresh", "forked"), 1):
            runner.submit([forked(bench, script, instance, run_number, python=python, arguments=("a b", "c"))])
            result = bench.result(runner)
            text = bench.log(instance, run_number).replace(f"/{instance}-{run_number}/", "/HERE/")
            text = text.replace(f"/{instance}-{run_number}", "/work").replace(f"{result.process_id}", "PID")
            found.setdefault(name, []).append((result.outcome, result.exit_code, text))
    runner.close(stop_runs=True, grace=0)
    return found


@pytest.mark.parametrize("name", ALIKE)
def test_a_fork_ends_and_prints_as_a_fresh_interpreter(
    ways: dict[str, list[tuple[str, int | None, str]]], name: str
) -> None:
    fresh, fork = ways[name]
    assert fork == fresh


def test_the_fork_server_starts_with_the_first_fork_and_is_kept(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("print(1)", task_type="PYTHON")])
    bench.result(runner)
    assert not bench.fork_server()
    runner.submit([forked(bench, "import os\nprint(os.getppid())", n) for n in (2, 3)])
    bench.results(runner, 2)
    assert bench.log(2) == bench.log(3) == f"{bench.fork_server()}\n"


def test_forks_find_modules_imported_and_their_own_random_numbers(bench: Bench) -> None:
    runner = bench.runner(python_imports="decimal, random,no_such_module", python_tasks="forked")
    script = (
        "import sys\nprint('decimal' in sys.modules, 'fractions' in sys.modules)\nimport random\nprint(random.random())"
    )
    runner.submit([bench.run(script, n, task_type="PYTHON") for n in (1, 2)])
    bench.results(runner, 2)
    first, second = bench.log(1).split(), bench.log(2).split()
    assert first[:2] == second[:2] == ["True", "False"]
    assert first[2] != second[2]
    assert "No module named 'no_such_module'" in (bench.directory / "runner/messages.log").read_text()


def test_what_a_fork_changes_is_its_own(bench: Bench) -> None:
    runner = bench.runner()
    script = "import os, sys\nprint(os.environ.get('A'), hasattr(os, 'a'), len(sys.path))\nos.environ['A'] = os.a = 'x'"
    for n in (1, 2):
        runner.submit([forked(bench, f"{script}\nsys.path.append('x')", n, environment={"B": str(n)})])
        bench.results(runner)
    assert bench.log(1) == bench.log(2)


def test_what_is_open_at_the_end_is_written(bench: Bench) -> None:
    runner = bench.runner(python_imports="json")
    script = f"import json\njson.kept = open('{bench.directory}/kept', 'w')\njson.kept.write('all of it')"
    runner.submit([forked(bench, script)])
    assert bench.result(runner).exit_code == 0
    assert (bench.directory / "kept").read_text() == "all of it"


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [("/nowhere/python", "cannot be started: "), ("/bin/true", "ended at its start")],
)
def test_an_interpreter_that_is_none_refuses_the_run(bench: Bench, interpreter: str, words: str) -> None:
    runner = bench.runner(python=interpreter)
    for n in (1, 2):
        runner.submit([forked(bench, "print(1)", n)])
        result = bench.result(runner)
        assert (result.outcome, result.exit_code, result.started) == ("refused", None, 0)
        assert words in result.message
        assert bench.log(n) == f"{result.message}\n"
    runner.submit([bench.run("exit 4", 3)])
    assert bench.result(runner).exit_code == 4


@pytest.mark.parametrize("path", INTERPRETERS, ids=lambda path: path.parts[-3])
def test_other_interpreters_fork_as_well(bench: Bench, path: Path) -> None:
    runner = bench.runner(python=str(path), python_tasks="forked")
    script = "import sys\nprint(sys.version_info >= (3, 7))\ndef f():\n    raise ValueError(sys.argv)\nf()"
    runner.submit([bench.run(script, task_type="PYTHON", arguments=("a",))])
    result = bench.result(runner)
    if result.outcome == "refused":  # it is too old: only fresh ones are started with it
        runner.submit([bench.run(script, 2, task_type="PYTHON", python="fresh")])
        assert bench.result(runner).exit_code == 1
        assert bench.log(2).startswith("False\n")
    else:
        assert result.exit_code == 1
        assert bench.log().startswith("True\nTraceback (most recent call last):\n")
        assert "fork_server" not in bench.log()


def test_many_forks_at_once_each_run_exactly_once(bench: Bench) -> None:
    runner = bench.runner(python_tasks="forked")
    script = "import sys\nopen('{}/all', 'a').write(sys.argv[1] + chr(10))\nsys.exit(int(sys.argv[1]) % 3)"
    runs = [
        bench.run(script.format(bench.directory), n, task_type="PYTHON", arguments=(str(n), "x" * 50_000))
        for n in range(60)
    ]
    runner.submit(runs)
    runner.submit(runs)
    found = {result.instance: result.exit_code for result in bench.results(runner, 60)}
    assert found == {n: n % 3 for n in range(60)}
    assert sorted(map(int, (bench.directory / "all").read_text().split())) == list(range(60))
    # The fork that is made ahead is left, and no zombie.
    bench.eventually(lambda: len(left := processes.children(bench.fork_server())) == 1 and bench.alive(left[0]))


def test_a_fork_may_have_longer_arguments_than_the_kernel_would_pass_on(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, "import sys\nprint(len(sys.argv[1]))", arguments=("ü" * 3_000_000,))])
    assert bench.result(runner).exit_code == 0
    assert bench.log() == "3000000\n"


def test_a_large_output_of_a_fork_is_cut_in_the_middle(bench: Bench) -> None:
    runner = bench.runner(log_cap=1024 * 1024)
    runner.submit([forked(bench, "print('first')\nfor _ in range(50): print('x' * 99999)\nprint('last')")])
    bench.results(runner)
    path = bench.directory / "logs/20260101/1-1.log"
    assert path.stat().st_blocks * 512 <= 1024 * 1024
    assert "bytes left out" in bench.log()
    assert bench.log().endswith("x\nlast\n")


# How they end


IGNORING = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PAUSE


def test_stop_ends_a_fork_that_ignores_sigterm(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, IGNORING.replace("import time", writing_pid(bench, "main", "import time")))])
    main = bench.number_in("main")
    runner.stop(1, 1)
    result = bench.result(runner)
    assert (result.outcome, result.exit_code, result.process_id) == ("stopped", -9, main)
    assert not bench.tasks()


def test_stop_lets_a_fork_clean_up(bench: Bench) -> None:
    runner = bench.runner(stop_grace=20)
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye')))\n"
    runner.submit([forked(bench, script + writing_pid(bench, "main"))])
    bench.number_in("main")
    runner.stop(1, 1)
    result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("stopped", 0)
    assert bench.log() == "bye\n"


def test_a_timeout_ends_a_fork_that_ignores_sigterm(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, IGNORING, timeout=1)])
    assert bench.result(runner).outcome == "timed_out"
    assert not bench.tasks()


def test_stop_of_a_run_that_waits_for_the_fork_server_keeps_it_from_starting(bench: Bench) -> None:
    os.mkfifo(bench.directory / "pipe")
    (bench.directory / "runner").mkdir()
    slow = bench.directory / "slow.py"
    slow.write_text(f"open('{bench.directory}/imports', 'w').write('1\\n')\nopen('{bench.directory}/pipe').read()")
    interpreter = bench.directory / "python"  # finds the slow module, which waits for the test
    interpreter.write_text(f'#!/bin/sh\nexport PYTHONPATH={bench.directory}\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    runner = bench.runner(python=str(interpreter), python_imports="slow")
    runner.submit([forked(bench, f"open('{bench.directory}/began', 'w')"), forked(bench, "raise SystemExit(3)", 2)])
    bench.number_in("imports")
    runner.stop(1, 1)
    stopped = bench.result(runner)
    assert (stopped.instance, stopped.outcome, stopped.started) == (1, "stopped", 0)
    (bench.directory / "pipe").write_text("")
    assert bench.result(runner).exit_code == 3
    assert not (bench.directory / "began").exists()


# A daemon that executes nothing: only the marks in its memory tell whose it is.
DAEMON = (
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        open('{directory}/new', 'w').write(f'{{os.getpid()}}\\n')\n"
    "        os.rename('{directory}/new', '{directory}/daemon')\n"
    "        time.sleep(1000)\n    os._exit(0)\n"
    "while not os.path.exists('{directory}/daemon'): time.sleep(0.001)\n"
)


@pytest.mark.parametrize("ending", ["the end of its run", "stop", "timeout", "an end without goodbye"])
def test_daemons_end_with_the_fork_that_made_them(bench: Bench, ending: str) -> None:
    runner = bench.runner()
    last = {"the end of its run": "", "an end without goodbye": "os._exit(0)"}.get(ending, PAUSE)
    timeout = 1 if ending == "timeout" else 0
    runner.submit([forked(bench, DAEMON.format(directory=bench.directory) + last, timeout=timeout)])
    daemon = bench.number_in("daemon")
    if ending == "stop":
        runner.stop(1, 1)
    assert bench.result(runner).outcome == {"stop": "stopped", "timeout": "timed_out"}.get(ending, "exited")
    assert not bench.alive(daemon)


def test_a_daemon_of_a_fork_outlives_the_end_of_another_fork(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, DAEMON.format(directory=bench.directory) + PAUSE)])
    daemon = bench.number_in("daemon")
    runner.submit([forked(bench, "print(1)", 2)])
    assert bench.result(runner).instance == 2
    assert bench.alive(daemon)
    runner.stop(1, 1)
    assert bench.result(runner).outcome == "stopped"
    assert not bench.alive(daemon)


def test_a_child_in_the_background_does_not_hold_the_result(bench: Bench) -> None:
    runner = bench.runner()
    script = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n"
    script += f"open('{bench.directory}/child', 'w').write(f'{{child.pid}}\\n')"
    runner.submit([forked(bench, script)])
    assert bench.result(runner).exit_code == 0
    assert not bench.alive(bench.number_in("child"))


def test_closing_waits_for_forks_then_ends_them_as_lost(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, writing_pid(bench, "main"))])
    main, server = bench.number_in("main"), bench.fork_server()
    (result,) = runner.close(stop_runs=True, grace=0)
    assert (result.outcome, result.message) == ("lost", "server stopped")
    assert not bench.alive(main)
    assert not bench.alive(server)


# Whoever dies


def test_a_killed_fork_server_loses_its_forks_only_and_the_next_one_serves(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, DAEMON.format(directory=bench.directory) + writing_pid(bench, "main"))])
    runner.submit([bench.run(f"echo $$ >{bench.directory}/shell; sleep 1000", 2)])
    runner.submit([forked(bench, PAUSE, 3, python="fresh")])
    main, daemon, shell = (bench.number_in(name) for name in ("main", "daemon", "shell"))
    server = bench.fork_server()
    bench.kill(server)
    result = bench.result(runner)
    assert (result.instance, result.outcome, result.exit_code, result.process_id) == (1, "lost", None, main)
    assert "forked" in result.message
    assert not bench.alive(main)
    assert not bench.alive(daemon)
    assert bench.alive(shell)
    runner.submit([forked(bench, "raise SystemExit(9)", 4)])
    assert bench.result(runner).exit_code == 9
    assert bench.fork_server() not in (0, server)


def test_a_fork_made_ahead_that_is_killed_costs_nobody_anything(bench: Bench) -> None:
    runner = bench.runner()
    for n in (1, 2):
        runner.submit([forked(bench, "raise SystemExit(3)", n)])
        assert bench.result(runner).exit_code == 3
        bench.kill(
            *bench.eventually(lambda: [pid for pid in processes.children(bench.fork_server()) if bench.alive(pid)])
        )


def test_a_fork_that_kills_its_parent_is_lost(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, "import os\nos.kill(os.getppid(), 9)\n" + PAUSE)])
    assert bench.result(runner).outcome == "lost"
    assert not bench.tasks()


def test_forks_asked_of_a_server_that_dies_are_lost_or_refused_and_never_live_on(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, "print(1)")])
    bench.results(runner)
    server = bench.fork_server()
    os.kill(server, 19)
    runner.submit([forked(bench, f"open('{bench.directory}/began', 'w')", n) for n in (2, 3)])
    bench.eventually(lambda: "[2,1],[3,1]" in (bench.directory / "runner/journal").read_text())
    runner.stop(2, 1)
    bench.kill(server)
    found = {result.instance: result for result in bench.results(runner, 2)}
    assert {n: result.outcome for n, result in found.items()} == {2: "stopped", 3: "lost"}
    assert not (bench.directory / "began").exists()


def test_a_stop_that_comes_before_the_fork_ends_it(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, "print(1)")])
    bench.results(runner)
    server = bench.fork_server()
    os.kill(server, 19)
    runner.submit([forked(bench, PAUSE, 2)])
    bench.eventually(lambda: '"accepted",[[2,1]]' in (bench.directory / "runner/journal").read_text())
    runner.stop(2, 1)
    runner.submit([bench.run("true", 3)])  # answered after the stop was heard
    assert bench.result(runner).instance == 3
    os.kill(server, 18)
    assert bench.result(runner).outcome == "stopped"
    assert not bench.tasks()


def test_a_killed_runner_takes_its_forks_along(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, DAEMON.format(directory=bench.directory) + writing_pid(bench, "main"))])
    main, daemon, server = bench.number_in("main"), bench.number_in("daemon"), bench.fork_server()
    bench.kill(bench.runner_process())
    assert bench.result(runner).outcome == "lost"
    assert not any(bench.alive(pid) for pid in (main, daemon, server))


@pytest.mark.parametrize("told", [True, False], ids=["the fork's number was journaled", "it was not"])
def test_guard_and_runner_killed_together_leave_no_fork(bench: Bench, told: bool) -> None:
    runner = bench.runner()
    runner.submit([forked(bench, DAEMON.format(directory=bench.directory) + writing_pid(bench, "main"))])
    main, daemon, server = bench.number_in("main"), bench.number_in("daemon"), bench.fork_server()
    journal = bench.directory / "runner/journal"
    bench.eventually(lambda: '"started"' in journal.read_text())
    child = bench.runner_process()
    os.kill(child, 19)
    os.kill(bench.guard(), 9)
    os.kill(child, 9)
    if not told:
        journal.write_text("".join(line for line in journal.read_text().splitlines(True) if "started" not in line))
    assert bench.alive(main)
    assert bench.result(runner).outcome == "lost"
    assert not any(bench.alive(pid) for pid in (main, daemon, server))


def test_a_fork_server_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    forks = Forks(Settings(str(tmp_path), 1.0, 1.0, 1, sys.executable, PATH, "", 0.0, 0, 0, ""))
    while not forks.ready:
        forks.hear()
    os.kill(forks.pid, 19)
    now = time.monotonic()
    forks.check(now)
    forks.check(now + 10)
    assert os.waitpid(forks.pid, os.WNOHANG) == (0, 0)
    forks.check(now + 1000)
    assert os.waitpid(forks.pid, 0)[1] == 9
    forks.channel.close()
