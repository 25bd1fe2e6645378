"""`task_user`: tasks run as somebody else, to whom the database and the keys are closed."""

import os
from pathlib import Path

import pytest

from tests.whole.conftest import Server, task


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_tasks_run_as_another_user_who_sees_neither_database_nor_key(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)
    server = Server(tmp_path / "data", TIDEMILL_TASK_USER="nobody")
    data = server.data
    script = (
        f"id -un; cat {data}/tidemill.db {data}/secret.key {data}/server.lock 2>&1 | grep -c denied; ls {data} 2>&1"
    )
    whole = server.run(server.create(task("t", script))["Id"])
    server.ended(whole)
    log = server.call("GetTaskInstanceLog", Id=server.tasks(whole)["t"]["Id"])["TaskInstanceLog"]
    lines = log.splitlines()
    assert lines[:2] == ["nobody", "3"]
    assert "Permission denied" in lines[2]
    server.end()
