"""The examples of scheduling-semantics 6.10, on the clock, by what the API answers; on both databases."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.planning.conftest import Site, task
from tidemill.store.engine import Database

DAY = "2025-11-04"
Ending = int | str  # an exit code, or the outcome of a run that did not exit by itself


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    return Site(database, tmp_path)


def play(
    site: Site, until: str, takes: Mapping[str, int] = {}, ends: Mapping[str, Sequence[Ending]] = {}
) -> list[tuple[str, str]]:
    """Let time pass until `hh:mm` of the day; (task, start) of each run, in their order.

    `takes` are the minutes of a task's runs, one where none are given; `ends` how its runs end, after those exit 0.
    """
    end = site.moment(f"{DAY} {until}")
    endings = {name: list(listed) for name, listed in ends.items()}
    over: dict[int, int] = {}
    starts: list[tuple[str, str]] = []
    while True:
        pause = site.turn()
        now = site.clock.time
        for id in sorted(site.runner.live.keys() - over.keys()):
            starts.append((site.name_of(id), site.local(now)[11:]))
            over[id] = now + takes.get(site.name_of(id), 1) * 60_000
        for id in [id for id, time in over.items() if time <= now]:
            del over[id]
            ending = next(iter(endings.get(site.name_of(id), [])), 0)
            endings.get(site.name_of(id), [])[:1] = []
            site.runner.end(id, *((ending,) if isinstance(ending, int) else (None, ending)))
        if site.runner.results:
            continue
        times = [*over.values(), *([] if pause is None else [now + round(pause * 1000)])]
        if min(times, default=end + 1) > end:
            site.clock.time = end
            site.turn()
            return starts
        site.clock.time = min(times)


def one(site: Site, name: str) -> dict[str, Any]:
    (row,) = site.rows(name, DAY)
    return site.call("GetTaskInstance", Id=row.id)["TaskInstance"]


def deed(site: Site, action: str, *names: str) -> dict[str, Any]:
    """Do an action to the day's instances of these tasks; the answer for the first."""
    ids = [row.id for name in names for row in site.rows(name, DAY)]
    answer = site.call(action, Ids=ids)["SuccessInfo"][str(ids[0])]
    site.turn()
    return answer


@pytest.mark.parametrize(
    ("crons", "takes", "expected"),
    [
        pytest.param("02 00 00", {"A": 10, "B": 8}, ["02:00", "02:10", "02:18"], id="X01"),
        pytest.param("03 05 00", {"A": 10}, ["03:00", "05:00", "05:01"], id="X02"),
    ],
)
def test_an_instance_starts_when_its_upstreams_are_done_and_its_time_has_come(
    site: Site, crons: str, takes: dict[str, int], expected: list[str]
) -> None:
    for name, upstream, hour in zip("ABC", ("", "A", "B"), crons.split(), strict=True):
        site.deploy(name, f"0 0 {hour} * * ?", task(name, *upstream))
    assert play(site, "23:00", takes) == list(zip("ABC", expected, strict=True))


@pytest.mark.parametrize(
    ("mode", "ends", "starts"),
    [
        pytest.param("AllAllowed", [1] * 9, ["02:00", "02:05", "02:10", "02:15"], id="X03"),
        pytest.param("AllAllowed", [1, "timed_out"], ["02:00", "02:05"], id="X04"),
        pytest.param("AllDenied", [1] * 9, ["02:00"], id="X05"),
        pytest.param("FailureAllowed", [1, 0], ["02:00", "02:05"], id="a retry that succeeds is the last"),
    ],
)
def test_reruns_are_counted_from_the_end_of_the_failed_run(
    site: Site, mode: str, ends: list[Ending], starts: list[str]
) -> None:
    given = {"RerunMode": mode, "RerunTimes": 3, "RerunInterval": 300}
    site.deploy("A", "0 0 2 * * ?", task("A", **given))
    assert play(site, "23:00", {"A": 0}, {"A": ends}) == [("A", start) for start in starts]
    ended = one(site, "A")
    assert (ended["Status"], ended["RunNumber"]) == ("Success" if ends[-1] == 0 else "Failure", len(starts))


def test_x05_a_rerun_of_an_all_denied_task_is_refused(site: Site) -> None:
    site.deploy("A", "0 0 2 * * ?", task("A", RerunMode="AllDenied", RerunTimes=3))
    play(site, "03:00", ends={"A": [1]})
    assert deed(site, "RerunTaskInstances", "A")["Message"] == "the task's RerunMode is AllDenied"
    assert one(site, "A")["Status"] == "Failure"


def test_x06_a_rerun_after_success_is_refused_to_failure_allowed(site: Site) -> None:
    site.deploy("A", "0 0 2 * * ?", task("A", RerunMode="FailureAllowed"))
    play(site, "03:00")
    assert not deed(site, "RerunTaskInstances", "A")["Success"]
    assert one(site, "A")["RunNumber"] == 1


def test_x07_a_skipped_upstream_succeeds_at_its_time_and_lets_the_downstream_run(site: Site) -> None:
    site.deploy("A", "0 0 2 * * ?", task("A", Trigger={"Recurrence": "Skip"}))
    site.deploy("B", "0 0 0 * * ?", task("B", "A"))
    assert play(site, "23:00") == [("B", "02:00")]
    skipped = one(site, "A")
    assert (skipped["Status"], skipped["TriggerRecurrence"]) == ("Success", "Skip")
    assert skipped["StartedTime"] == skipped["FinishedTime"] == site.moment(f"{DAY} 02:00")
    assert site.call("GetTaskInstanceLog", Id=skipped["Id"])["TaskInstanceLog"] == ""


def test_x08_a_skipped_upstream_waits_for_its_own_upstream(site: Site) -> None:
    site.deploy("A", "0 0 1 * * ?", task("A"))
    site.deploy("B", "0 0 2 * * ?", task("B", "A", Trigger={"Recurrence": "Skip"}))
    site.deploy("C", "0 0 0 * * ?", task("C", "B"))
    assert play(site, "23:00", ends={"A": [1]}) == [("A", "01:00")]
    assert (one(site, "B")["Status"], one(site, "C")["Status"]) == ("NotRun", "NotRun")


@pytest.mark.parametrize("way", ["ResumeTaskInstances", "SetSuccessTaskInstances"])
def test_x09_a_paused_upstream_blocks_until_it_is_resumed_or_set_successful(site: Site, way: str) -> None:
    site.deploy("A", "0 0 2 * * ?", task("A", Trigger={"Recurrence": "Pause"}))
    site.deploy("B", "0 0 0 * * ?", task("B", "A"))
    assert play(site, "04:00") == []
    assert (one(site, "A")["TriggerRecurrence"], one(site, "B")["Status"]) == ("Pause", "NotRun")
    assert deed(site, way, "A")["Success"]
    expected = [("A", "04:00"), ("B", "04:01")] if way == "ResumeTaskInstances" else [("B", "04:00")]
    assert play(site, "23:00") == expected


def test_x10_a_suspended_instance_runs_when_it_is_resumed_with_the_values_of_its_own_time(site: Site) -> None:
    script = {"Content": "echo ${when}", "Parameters": "when=$[yyyymmddhh24]"}
    site.deploy("A", "0 0 2 * * ?", task("A", Script=script))
    play(site, "01:00")
    assert deed(site, "SuspendTaskInstances", "A")["Success"]
    assert play(site, "03:00") == []
    assert one(site, "A")["Status"] == "NotRun"
    assert deed(site, "ResumeTaskInstances", "A")["Success"]
    assert [run.script for run in site.runner.live.values()] == ["echo 2025110402"]
    assert play(site, "04:00") == [("A", "03:00")]


def test_freezing_a_task_holds_its_later_instances_and_freezing_an_instance_holds_that_alone(site: Site) -> None:
    made = site.deploy("A", "0 0 2,3 * * ?", task("A"))
    play(site, "01:00")
    (first, _) = site.rows("A", DAY)
    assert site.call("SuspendTaskInstances", Ids=[first.id])["SuccessInfo"][str(first.id)]["Success"]
    assert play(site, "22:00") == [("A", "03:00")]
    assert site.statuses("A", DAY) == ["NotRun", "Success"]
    frozen = task("A", Trigger={"Recurrence": "Pause"}, Id=made["TaskIds"]["A"])
    site.deploy("A", "0 0 2,3 * * ?", frozen)
    site.run_until("2025-11-05 12:00")
    assert site.statuses("A", "2025-11-05") == ["Failure", "Failure"]
    assert {row.reason for row in site.rows("A", "2025-11-05")} == {"Frozen"}


def test_x11_the_higher_priority_goes_first_although_queued_later(site: Site) -> None:
    site.slots(1)
    site.deploy("before", "0 0 1 * * ?")
    site.deploy("low", "0 5 1 * * ?")
    site.deploy("high", "0 10 1 * * ?")
    play(site, "00:30")
    (row,) = site.rows("high", DAY)
    changed = [{"Id": row.id, "Priority": 8}]
    assert site.call("UpdateTaskInstances", TaskInstances=changed)["SuccessInfo"][str(row.id)]["Success"]
    assert [name for name, _ in play(site, "23:00", {"before": 30})] == ["before", "high", "low"]


def test_x14_a_frozen_inner_task_fails_the_workflow_and_blocks_what_is_after_it(site: Site) -> None:
    output = {"TaskOutputs": [{"Output": "x.inner*"}]}
    site.deploy("inner", "0 0 1 * * ?", task("a"), task("b", "a"), Outputs=output)
    after = [{"Type": "Normal", "UpstreamOutput": "x.inner*"}]
    site.deploy("outer", "0 0 0 * * ?", task("outer", Dependencies=after))
    play(site, "00:30")
    assert deed(site, "SuspendTaskInstances", "b")["Success"]
    assert play(site, "05:00") == [("a", "01:00")]
    assert (site.statuses("inner*", DAY), site.statuses("outer", DAY)) == (["Failure"], ["NotRun"])
    assert deed(site, "ResumeTaskInstances", "b")["Success"]
    assert play(site, "06:00") == [("b", "05:00"), ("outer", "05:01")]
    assert site.statuses("inner*", DAY) == ["Success"]


def test_x15_no_more_instances_of_a_task_run_at_once_than_it_allows(site: Site) -> None:
    site.deploy("A", "0 0 1-3 * * ?", task("A", MaxParallelInstances=1))
    site.deploy("B", "0 0 1-3 * * ?", task("B"))
    play(site, "03:00", {"A": 600, "B": 600})
    assert site.statuses("A", DAY) == ["Running", "WaitResource", "WaitResource"]
    assert site.statuses("B", DAY) == ["Running"] * 3, "the other task keeps its room"
    (first, *_) = site.rows("A", DAY)
    site.runner.end(first.id)
    site.turn()
    assert site.statuses("A", DAY) == ["Success", "Running", "WaitResource"]


def test_a_limit_of_instances_counts_backfills_too_and_holds_for_later_instances_only(site: Site) -> None:
    made = site.deploy("A", "0 0 1-3 * * ?", task("A", MaxParallelInstances=2))
    play(site, "00:30")
    site.deploy("A", "0 0 1-3 * * ?", task("A", Id=made["TaskIds"]["A"]))
    play(site, "03:00", {"A": 600})
    assert site.statuses("A", DAY) == ["Running", "Running", "WaitResource"]
    one_date = {"BizDates": [{"StartBizDate": "2025-10-31", "EndBizDate": "2025-10-31"}]}
    site.call("CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["A"], Name="r",
              Type="SupplementData", Periods=one_date)  # fmt: skip
    site.turn()
    assert len(site.runner.live) == 5, "instances made since have no limit"
    assert site.statuses("A", DAY) == ["Running", "Running", "WaitResource"]
