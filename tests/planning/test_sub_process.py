"""SUB_PROCESS: a task that runs another workflow and ends as it ends (scheduling-semantics 5.9)."""

import json
from typing import Any

import pytest

from tests.planning.conftest import Site, task

NOON = "0 0 12 * * ?"
TUESDAY = "2025-11-04"


def calls(name: str, workflow: object, *upstreams: str, **fields: Any) -> dict[str, Any]:
    return task(
        name, *upstreams, Type="SUB_PROCESS", Script={"Content": json.dumps({"workflowId": workflow})}, **fields
    )


def shared(site: Site, *tasks: dict[str, Any], **fields: Any) -> int:
    site.deploy("shared", None, *(tasks or (task("s1"), task("s2", "s1"))), **fields)
    return site.workflows["shared"]


def turns(site: Site) -> list[Any]:
    with site.database.read() as db:
        return db.exec_driver_sql(
            f"SELECT status, trigger_time, bizdate FROM task_instance WHERE kind = 'Workflow' "
            f"AND task_id = {site.workflows['shared']} ORDER BY id"
        ).all()  # type: ignore[return-value]


def test_it_runs_once_for_each_reference_on_the_referencing_cycle(site: Site) -> None:
    script = {"Content": "${own} ${p}", "Parameters": "own=$cyctime"}
    id = shared(site, task("s1", Script=script), Parameters="p=$bizdate")
    site.deploy("a", NOON, calls("a", id), task("after", "a"), Parameters="p=other")
    site.deploy("b", "0 0 13 * * ?", calls("b", id))
    site.run_until(f"{TUESDAY} 12:30", minutes=5)
    assert site.statuses("after", TUESDAY) == ["Success"]
    site.run_until(f"{TUESDAY} 14:00", minutes=5)
    assert [(row[0], site.local(row[1]), row[2]) for row in turns(site)] == [
        ("Success", f"{TUESDAY} 12:00", "2025-11-03"),
        ("Success", f"{TUESDAY} 13:00", "2025-11-03"),
    ]
    scripts = [run.script for run in site.runner.runs.values()]
    assert scripts == ["20251104120000 20251103", "true", "20251104130000 20251103"]
    assert site.rows("shared*") == []  # nothing of its own


def test_it_fails_as_the_other_fails_and_runs_again(site: Site) -> None:
    id = shared(site)
    site.deploy("a", NOON, calls("a", id, RerunTimes=1, RerunInterval=60), task("after", "a"))
    site.run_until(f"{TUESDAY} 13:00", failing=["s2"])
    assert site.statuses("a", TUESDAY) == ["Failure"]
    assert [row[0] for row in turns(site)] == ["Failure", "Failure"]
    site.call("RerunTaskInstances", Ids=[site.rows("a", TUESDAY)[0].id])
    site.run_until(f"{TUESDAY} 14:00")
    assert site.statuses("after", TUESDAY) == ["Success"]


def test_the_version_in_place_when_it_starts(site: Site) -> None:
    id = shared(site, task("s1", Script={"Content": "old"}))
    site.deploy("a", NOON, calls("a", id))
    site.run_until(f"{TUESDAY} 09:00")
    shared(site, task("s1", Script={"Content": "new"}))
    site.run_until(f"{TUESDAY} 13:00")
    assert [run.script for run in site.runner.runs.values()] == ["new"]


def test_stopping_it_stops_what_runs_in_it(site: Site) -> None:
    id = shared(site)
    site.deploy("a", NOON, calls("a", id))
    site.run_until(f"{TUESDAY} 12:01", minutes=60)
    site.call("StopTaskInstances", Ids=[site.rows("a", TUESDAY)[0].id])
    site.turn()
    assert len(site.runner.asked_to_stop) == 1
    site.runner.end(site.runner.asked_to_stop[0][0], None, "stopped")
    site.run_until(f"{TUESDAY} 12:02")
    assert site.statuses("a", TUESDAY) == ["Failure"]


def refused(site: Site, *tasks: dict[str, Any]) -> str:
    status, answer = site.api.call(
        "CreateWorkflow", ProjectId=10_000, Name="r", Owner="1000", Trigger={"Type": "Manual"}, Tasks=list(tasks)
    )
    assert status == 400, answer
    return answer["Message"]


def test_what_cannot_be_referenced(site: Site) -> None:
    site.deploy("scheduled", NOON)
    assert "there is no workflow 7" in refused(site, calls("c", 7))
    assert "Manual trigger is expected" in refused(site, calls("c", site.workflows["scheduled"]))
    assert "workflowId: the id" in refused(site, calls("c", None))
    assert "only CONTROLLER_CYCLE and CONTROLLER_TRAVERSE have SubTasks" in refused(
        site, calls("c", 7, SubTasks=[task("in")])
    )


def test_references_do_not_lead_back_and_are_at_most_five_deep(site: Site) -> None:
    site.deploy("w0", None, task("t0"))
    for level in range(1, 5):
        site.deploy(f"w{level}", None, calls(f"t{level}", site.workflows[f"w{level - 1}"]))
    assert "at most 5 levels" in refused(site, calls("c", site.workflows["w4"]))
    body = {"Id": site.workflows["w0"], "Name": "w0", "Owner": "1000", "Trigger": {"Type": "Manual"}}
    status, answer = site.api.call("UpdateWorkflow", **body, Tasks=[calls("t0", site.workflows["w2"])])
    assert (status, "does not lead back" in answer["Message"]) == (400, True)


def test_what_is_referenced_cannot_be_deleted(site: Site) -> None:
    id = shared(site)
    site.deploy("a", NOON, calls("a", id))
    status, answer = site.api.call("DeleteWorkflow", Id=id)
    assert (status, "SUB_PROCESS" in answer["Message"]) == (400, True)


@pytest.mark.parametrize("days", [2])
def test_day_after_day(site: Site, days: int) -> None:
    id = shared(site)
    site.deploy("a", "0 0 0-23/6 * * ?", calls("a", id))
    site.run_until("2025-11-05 23:00")
    assert [row[0] for row in turns(site)] == ["Success"] * 4 * days
