"""A disk that becomes full under the server: it says so, starts nothing, loses nothing, and goes on later."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from Tea.exceptions import TeaException

from tests.conftest import SmallDisk, assert_promises_held
from tests.whole.conftest import Server, task
from tidemill.store.engine import open_database


@pytest.fixture
def server(small_disk: SmallDisk) -> Iterator[Server]:
    running = Server(small_disk.path, TIDEMILL_MIN_FREE=str(4 << 20))
    yield running
    running.end()


def disk(server: Server) -> str:
    with urlopen(f"http://{server.endpoint}/health") as answer:
        return json.load(answer)["Disk"]


def refusal(server: Server, action: str, **parameters: Any) -> tuple[str, int, str]:
    """Code, status and message of a call that may find no room; empty if it found some."""
    try:
        server.call(action, **parameters)
    except TeaException as error:
        refused: Any = error
        return refused.code, refused.statusCode, refused.message
    return "", 200, ""


def test_a_full_disk_stops_the_server_until_there_is_room_and_loses_nothing(
    server: Server, small_disk: SmallDisk, tmp_path: Path
) -> None:
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.02; done; "
    first = [task(f"a{n}", f"{wait}printf x >>{marks}-a{n}") for n in range(8)]
    second = [task(f"b{n}", f"printf x >>{marks}-b{n}", f"a{n}") for n in range(8)]
    id = server.create(*first, *second)["Id"]
    whole = server.run(id)
    server.until(lambda: {item["Status"] for item in list(server.tasks(whole).values())[:16]} == {"Running", "NotRun"})
    server.until(lambda: len(server.task_processes()) >= 8)
    assert disk(server) == "ok"

    small_disk.fill()
    assert disk(server).startswith("full: 0 MiB free of 32 MiB")
    script = "#" * 100_000
    answers = [("", 200, "")]
    while answers[-1][1] == 200:
        number = len(answers)
        assert number < 500
        workflow = {"ProjectId": 10_000, "Name": f"w{number}", "Owner": "1000", "Trigger": {"Type": "Manual"}}
        answers.append(refusal(server, "CreateWorkflow", **workflow, Tasks=[task(f"t{number}", script)]))
    assert answers[-1][:2] == ("ServiceUnavailable", 503)
    assert "disk is full" in answers[-1][2]
    gate.touch()
    server.until(lambda: not server.task_processes())
    assert server.status(whole) == "Running"
    assert not list(tmp_path.glob("marks-b*"))
    messages = small_disk.path.with_name("disk.log")
    server.until(lambda: "the disk is full: " in messages.read_text())  # a look a moment ago may have found room

    small_disk.make_room()
    assert server.ended(whole) == "Success"
    assert disk(server) == "ok"
    assert [path.read_text() for path in tmp_path.glob("marks-*")] == ["x"] * 16
    assert {item["RunNumber"] for item in server.tasks(whole).values()} == {1}
    assert server.ended(server.run(id, Name="again")) == "Success"
    assert messages.read_text().count("the disk is full: ") == 1
    assert "there is room on the disk again" in messages.read_text()
    database = open_database(f"sqlite:///{small_disk.path}/tidemill.db")
    assert_promises_held(database)
    database.close()


def test_a_first_start_on_a_full_disk_says_what_to_do(small_disk: SmallDisk) -> None:
    small_disk.fill()
    command = [sys.executable, "-m", "tidemill.cli.main", "serve", "--port", "0", "--data", str(small_disk.path / "d")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "the disk is full (" in ended.stderr
    assert ended.stderr.rstrip().endswith("make room and start again")
    assert "Traceback" not in ended.stderr
    small_disk.make_room()
    Server(small_disk.path).end()
