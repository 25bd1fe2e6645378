"""Tasks of another user."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tidemill.runners.local.client import RunnerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runners.conftest import Bench

USER = "nobody"


@pytest.fixture
def shared(bench: Bench) -> Iterator[Bench]:
    """A bench that another user can reach: pytest's own directories are closed to others."""
    bench.directory = Path(tempfile.mkdtemp(dir="/tmp"))
    bench.directory.chmod(0o711)
    yield bench
    for runner in bench.open:
        runner.close(stop_runs=True, grace=0)
    shutil.rmtree(bench.directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_task_user_runs_the_tasks_and_cannot_read_the_servers_files(shared: Bench) -> None:
    secret = shared.directory / "key"
    secret.write_text("secret")
    secret.chmod(0o600)
    for _ in range(2):  # the second runner finds what the first has left
        runner = shared.runner(task_user=USER)
        script = f"id -un; cat {secret} 2>/dev/null || echo closed; (setsid sleep 1000 &)"
        run_number = len(shared.open)
        runner.submit([shared.run(script, 1, run_number)])
        assert shared.result(runner).exit_code == 0
        assert shared.log(1, run_number) == f"{USER}\nclosed\n"
        shared.eventually(lambda: not list((shared.directory / "work").iterdir()))
        assert not shared.tasks()
        runner.close(stop_runs=True, grace=0)


def test_an_unknown_task_user_is_an_error_that_names_it(bench: Bench) -> None:
    with pytest.raises(RunnerUnavailable, match="no-such-user"):
        bench.runner(task_user="no-such-user")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_data_directory_that_the_task_user_cannot_enter_is_an_error(bench: Bench) -> None:
    with pytest.raises(RunnerUnavailable, match="Permission denied"):
        bench.runner(task_user=USER)
