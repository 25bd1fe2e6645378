"""PYTHON tasks as forks of a process that was started before: like fresh ones, but for what the guide names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

    from tidemill.runners.contract import Run

INTERPRETERS = Path("/root/.pyenv/versions")
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
            text = bench.log(instance, run_number).replace(f"/{instance}-{run_number}/", "/work/")
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
