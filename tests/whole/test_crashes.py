"""kill -9 of the server, of the runner, and of both: nothing lost, nothing doubled, nothing stuck (P3, P4, P6)."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.whole.conftest import Server, task
from tidemill.domain.status import FINAL

COUNT = 50


def fifty(marks: Path, gate: Path, **fields: str) -> list[dict]:
    """Ten chains of five; each task marks its start and end, and the second of each chain waits for the gate."""
    marks.mkdir()
    tasks = []
    for number in range(COUNT):
        wait = f"until [ -e {gate} ]; do sleep 0.02; done; " if number % 5 == 1 else ""
        script = f"printf x >> {marks}/{number}; {wait}printf y >> {marks}/{number}"
        tasks.append(task(f"t{number}", script, *([f"t{number - 1}"] if number % 5 else []), **fields))
    return tasks


def begun(server: Server, marks: Path) -> None:
    """Wait until every chain's second task runs."""
    server.until(lambda: sum((marks / f"{number}").exists() for number in range(1, COUNT, 5)) == 10)


def test_a_killed_server_loses_no_task_and_runs_none_twice(server: Server, tmp_path: Path) -> None:
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    id = server.create(*fifty(marks, gate, RerunMode="AllDenied"))["Id"]
    whole = server.run(id)
    begun(server, marks)
    server.kill()
    gate.touch()
    server.start()
    assert server.ended(whole) == "Success"
    assert {(marks / f"{number}").read_text() for number in range(COUNT)} == {"xy"}
    assert {item["RunNumber"] for item in server.tasks(whole).values()} == {1}


def test_tasks_that_end_while_no_server_is_there_are_settled_at_the_next_start(server: Server, tmp_path: Path) -> None:
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    id = server.create(*fifty(marks, gate, RerunMode="AllDenied"))["Id"]
    whole = server.run(id)
    begun(server, marks)
    server.kill()
    gate.touch()
    server.until(lambda: all((marks / f"{number}").read_text() == "xy" for number in range(1, COUNT, 5)))
    server.until(lambda: not server.task_processes())
    server.start()
    assert server.ended(whole) == "Success"
    assert {(marks / f"{number}").read_text() for number in range(COUNT)} == {"xy"}


@pytest.mark.parametrize("victims", ["runner", "server and runner", "server, guard and runner"])
def test_lost_runs_repeat_by_rerun_mode_and_nothing_is_left_alive(server: Server, tmp_path: Path, victims: str) -> None:
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    tasks = fifty(marks, gate)
    tasks[1]["RerunMode"] = "AllDenied"
    id = server.create(*tasks)["Id"]
    whole = server.run(id)
    begun(server, marks)
    before = server.task_processes()
    guard, runner = server.guard(), server.runner()
    if "server" in victims:
        server.kill()
    if "guard" in victims:
        os.kill(guard, signal.SIGKILL)
    os.kill(runner, signal.SIGKILL)
    if "server" in victims:
        server.start()
    server.until(lambda: not set(before) & set(server.task_processes()))
    gate.touch()
    assert server.ended(whole) == "Failure"
    found = server.tasks(whole)
    for number in range(COUNT):
        item = found[f"t{number}"]
        text = (marks / f"{number}").read_text() if (marks / f"{number}").exists() else ""
        if number == 1:
            assert (item["Status"], item["RunNumber"], text) == ("Failure", 1, "x")
        elif number < 5 and number > 1:
            assert (item["Status"], text) == ("NotRun", "")
        else:
            assert item["Status"] == "Success"
            assert text == ("xxy" if number % 5 == 1 else "xy"), number
            assert item["RunNumber"] == (2 if number % 5 == 1 else 1)
    assert not server.task_processes()


def test_a_stop_in_its_grace_is_not_overtaken_by_a_rerun(server: Server, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"printf x >> {mark}; trap 'sleep 1; exit 0' TERM; sleep 1000 & wait"
    whole = server.run(server.create(task("t", script))["Id"])
    server.until(mark.exists)
    item = server.tasks(whole)["t"]
    assert server.call("StopTaskInstances", Ids=[item["Id"]])["SuccessInfo"][str(item["Id"])]["Success"]
    refused = 0
    while server.tasks(whole)["t"]["Status"] not in FINAL:
        assert mark.read_text() == "x"
        answer = server.call("RerunTaskInstances", Ids=[item["Id"]])["SuccessInfo"][str(item["Id"])]
        refused += not answer["Success"]
        if answer["Success"]:
            break
    assert refused

    def stopped() -> bool:
        server.call("StopTaskInstances", Ids=[item["Id"]])
        return server.tasks(whole)["t"]["Status"] in FINAL

    server.until(stopped)
    assert not server.task_processes()


def test_a_second_server_on_the_data_directory_refuses(server: Server) -> None:
    second = server.spawn()
    out, errors = second.communicate(timeout=30)
    assert second.returncode != 0
    assert out == ""
    assert server.process is not None
    assert f"belongs to the server with process id {server.process.pid}" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_asked_to_end_waits_for_tasks_and_runs_the_others_again(tmp_path: Path, number: int) -> None:
    server = Server(tmp_path / "data", TIDEMILL_SHUTDOWN_GRACE="1.0", TIDEMILL_STOP_GRACE="0.5")
    quick, slow = tmp_path / "quick", tmp_path / "slow"
    whole = server.run(
        server.create(
            task("quick", f"printf x >> {quick}; sleep 0.3"),
            task("slow", f"printf x >> {slow}; [ $(wc -c < {slow}) = 2 ] || sleep 1000"),
        )["Id"]
    )
    server.until(lambda: quick.exists() and slow.exists())
    assert server.signal(number) == 0
    assert not server.task_processes()
    server.start()
    assert server.ended(whole) == "Success"
    assert (quick.read_text(), slow.read_text()) == ("x", "xx")
    server.signal(signal.SIGTERM)
    assert re.findall(r"waiting up to 1 s for \d running tasks", (tmp_path / "data.log").read_text())
    server.end()


def test_a_restarted_server_goes_on_with_stops_and_new_work(server: Server, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    made = server.create(task("t", f"printf x >> {mark}; sleep 1000"), task("u", "true", "t"))
    whole = server.run(made["Id"])
    server.until(mark.exists)
    server.kill()
    server.start()
    item = server.tasks(whole)["t"]["Id"]
    server.call("StopTaskInstances", Ids=[item])
    assert server.ended(whole) == "Failure"
    again = server.run(server.create(task("v", "echo hello"), Name="other")["Id"])
    assert server.ended(again) == "Success"
    log = server.call("GetTaskInstanceLog", Id=server.tasks(again)["v"]["Id"])["TaskInstanceLog"]
    assert log == "hello\n"


def test_health_answers_and_a_log_can_be_read_while_it_grows(server: Server, tmp_path: Path) -> None:
    import json
    from urllib.request import urlopen

    with urlopen(f"http://{server.endpoint}/health") as answer:
        assert json.load(answer)["Status"] == "ok"
    gate = tmp_path / "gate"
    whole = server.run(server.create(task("t", f"echo one; until [ -e {gate} ]; do sleep 0.01; done; echo two"))["Id"])

    def log() -> str:
        return server.call("GetTaskInstanceLog", Id=server.tasks(whole)["t"]["Id"])["TaskInstanceLog"]

    server.until(lambda: log() == "one\n")
    gate.touch()
    assert server.ended(whole) == "Success"
    assert log() == "one\ntwo\n"
