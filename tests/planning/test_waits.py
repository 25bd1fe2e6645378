"""Tasks that wait: DEPENDENT for cycles of other tasks, CHECK_NODE for a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.planning.conftest import Site, task
from tidemill.domain.control.waits import Check, read_check, read_dependent
from tidemill.domain.errors import Malformed
from tidemill.runners.tasks import check

TUESDAY, WEDNESDAY = "2025-11-04", "2025-11-05"


def dependent(*items: dict[str, Any], minutes: int = 600, relation: str = "AND") -> dict[str, Any]:
    content = {
        "checkInterval": 600, "maxCheckMinutes": minutes, "dependGroups": [{"relation": relation, "items": list(items)}]
    }  # fmt: skip
    return task("w", Type="DEPENDENT", Script={"Content": json.dumps(content)})


def item(output: str, days: int = 0) -> dict[str, Any]:
    return {"input": f"x.{output}", "cycle": "day", "rules": [{"rule": "prevDays", "offset": days}]}


def ended(site: Site, run_date: str) -> tuple[str, str | None]:
    (row,) = site.rows("w", run_date)
    return row.status, None if row.finished_time is None else site.local(row.finished_time)[11:]


def test_it_looks_at_its_interval_until_the_others_have_succeeded(site: Site) -> None:
    site.deploy("a", "0 0 11 * * ?")
    site.deploy("b", "0 30 11 * * ?")
    site.deploy("w", "0 5 11 * * ?", dependent(item("a"), item("b")), task("after", "w"))
    site.slots(1)
    site.run_until(f"{TUESDAY} 11:33", minutes=4)
    assert ended(site, TUESDAY) == ("NotRun", None)
    site.restart()
    site.run_until(f"{TUESDAY} 12:00")
    assert ended(site, TUESDAY) == ("Success", "11:35")
    assert site.statuses("after", TUESDAY) == ["Success"]


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        (dependent(item("a"), item("never"), relation="OR"), ("Success", "11:05")),
        (dependent(item("a", 1)), ("Success", "11:05")),
        (dependent(item("never"), minutes=25), ("Failure", "11:30")),
        (dependent(item("a", 3), minutes=25), ("Failure", "11:30")),
    ],
)
def test_what_it_waits_for(site: Site, asked: dict[str, Any], end: tuple[str, str]) -> None:
    site.deploy("a", "0 0 11 * * ?")
    site.deploy("never", "0 0 23 * * ?")
    site.deploy("w", "0 5 11 * * ?", asked)
    site.run_until(f"{WEDNESDAY} 12:00")
    assert ended(site, WEDNESDAY) == end


def test_an_operator_need_not_wait(site: Site) -> None:
    site.deploy("w", "0 5 11 * * ?", dependent(item("nobody")))
    site.run_until(f"{TUESDAY} 11:20")
    site.call("SetSuccessTaskInstances", Ids=[site.rows("w", TUESDAY)[0].id])
    site.run_until(f"{TUESDAY} 11:21")
    assert ended(site, TUESDAY) == ("Success", "11:20")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no JSON"),
        ("{}", "dependGroups"),
        ('{"dependGroups": [{"items": []}]}', "items: at least one"),
        ('{"dependGroups": [{"items": [{}]}]}', "items.input"),
        ('{"checkInterval": 5, "dependGroups": [{"items": [{"input": "x"}]}]}', "checkInterval: a number from 60"),
        ('{"relation": "XOR", "dependGroups": [{"items": [{"input": "x"}]}]}', "AND or OR"),
        ('{"dependGroups": [{"items": [{"input": "x", "rules": [{"rule": "next"}]}]}]}', "prevDays"),
    ],
)
def test_contents_that_are_refused(content: str, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        read_dependent(content)


def test_a_check_of_a_file() -> None:
    assert read_check('{"path": "/data/${d}.csv"}') == Check("/data/${d}.csv", 60, 86_400)
    for content in ('{"path": "data"}', "[]", '{"path": "/x", "maxCheckMinutes": 2000}'):
        with pytest.raises(Malformed):
            read_check(content)


@pytest.mark.parametrize(("there", "exit_code"), [(True, 0), (False, 1)])
def test_the_program_of_a_check(tmp_path: Path, there: bool, exit_code: int) -> None:
    script, file = tmp_path / check.FILE_NAME, tmp_path / "in.csv"
    script.write_text(json.dumps({"path": str(file), "checkInterval": 60, "maxCheckMinutes": 0}))
    if there:
        file.touch()
    done = subprocess.run(check.command(str(script), [], sys.executable), capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done
    assert str(file) in done.stdout


def test_a_check_names_its_file_by_its_parameters(site: Site) -> None:
    script = {"Content": '{"path": "/data/${day}.csv"}', "Parameters": "day=$bizdate"}
    site.deploy("c", "0 0 11 * * ?", task("c", Type="CHECK_NODE", Script=script))
    site.run_until(f"{TUESDAY} 11:01")
    (run,) = site.runner.runs.values()
    assert (run.task_type, json.loads(run.script)["path"]) == ("CHECK_NODE", "/data/20251103.csv")
    status, answer = site.api.call(
        "CreateWorkflow", ProjectId=10_000, Name="bad", Owner="1000", Trigger={"Type": "Manual"},
        Tasks=[task("bad", Type="CHECK_NODE", Script={"Content": '{"path": "here"}'})],
    )  # fmt: skip
    assert status == 400
    assert "absolute path" in answer["Message"]
