"""Immediately: what a deployment does to today's instances (scheduling-semantics 2.2)."""

import pytest

from tests.planning.conftest import SELF, Site, task
from tidemill.scheduler import planning

DAILY = "0 0 12 * * ?"
HOURLY = "0 0 0-23/1 * * ?"
SIX = "0 0 0-23/6 * * ?"
EIGHT = "0 0 0-23/8 * * ?"
MONDAY, TUESDAY, WEDNESDAY = "2025-11-03", "2025-11-04", "2025-11-05"


def at(*hours: int) -> list[str]:
    return [f"{hour:02}:00" for hour in hours]


def dry(*hours: int) -> list[str]:
    return [f"{hour:02}:00 RealtimeDeprecated" for hour in hours]


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        pytest.param("0 5 12 * * ?", ["12:05 RealtimeDeprecated"], id="G04"),
        pytest.param("0 10 12 * * ?", ["12:10 RealtimeDeprecated"], id="G05"),
        pytest.param("0 11 12 * * ?", ["12:11"], id="G06"),
    ],
)
def test_a_new_task_around_the_threshold(site: Site, cron: str, times: list[str]) -> None:
    site.run_until(f"{TUESDAY} 12:00")
    site.deploy("a", cron, mode="Immediately")
    assert site.times("a", TUESDAY) == times
    site.run_until(f"{TUESDAY} 13:00")
    assert site.statuses("a", TUESDAY) == ["Success"]
    assert len(site.runner.runs) == (0 if "R" in times[0] else 1)
    site.run_until(f"{WEDNESDAY} 13:00")
    assert site.statuses("a", WEDNESDAY) == ["Success"]


def test_g07_a_new_hourly_task(site: Site) -> None:
    site.run_until(f"{TUESDAY} 15:00")
    site.deploy("a", HOURLY, mode="Immediately")
    assert site.times("a", TUESDAY) == dry(*range(16)) + at(*range(16, 24))
    site.run_until(f"{TUESDAY} 23:59")
    assert set(site.statuses("a", TUESDAY)) == set(site.statuses("a*", TUESDAY)) == {"Success"}
    assert len(site.runner.runs) == 8


def test_g08_and_g09_from_six_to_eight_hours_with_a_daily_task_after_it(site: Site) -> None:
    site.deploy("u", SIX)
    site.deploy("v", "0 0 23 * * ?", task("v", "u"))
    site.run_until(f"{TUESDAY} 13:00")
    ids = {row.trigger_time: row.id for row in site.rows("u", TUESDAY)}
    site.deploy("u", EIGHT, mode="Immediately")
    assert site.times("u", TUESDAY) == at(0, 6, 12, 16)
    assert site.times("u*", TUESDAY) == at(0, 6, 12, 16)
    assert [ids.get(row.trigger_time) == row.id for row in site.rows("u", TUESDAY)] == [True, True, True, False]
    assert site.upstreams("v", TUESDAY) == {"23:00": [f"u {time}" for time in at(0, 6, 12, 16)]}
    site.run_until(f"{TUESDAY} 23:10")
    assert site.statuses("v", TUESDAY) == ["Success"]
    site.run_until(f"{WEDNESDAY} 00:30")
    assert site.times("u", WEDNESDAY) == at(0, 8, 16)


def test_g10_from_six_hours_to_once_a_day(site: Site) -> None:
    site.deploy("u", SIX)
    site.deploy("v", "0 0 23 * * ?", task("v", "u"))
    site.run_until(f"{TUESDAY} 13:00")
    site.deploy("u", "0 0 16 * * ?", mode="Immediately")
    assert site.upstreams("v", TUESDAY) == {"23:00": [f"u {time}" for time in at(0, 6, 12, 16)]}


def test_g11_to_a_time_before_the_threshold(site: Site) -> None:
    site.deploy("a", "0 0 2 * * ?")
    site.run_until(f"{TUESDAY} 11:50")
    site.deploy("a", "0 58 11 * * ?", mode="Immediately")
    assert site.times("a", TUESDAY) == at(2)
    site.run_until(f"{WEDNESDAY} 12:00")
    assert site.times("a", WEDNESDAY) == ["11:58"]


def test_g12_a_new_upstream_from_tomorrow_on(site: Site) -> None:
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("u", DAILY)
    site.deploy("v", DAILY, task("v", "u"), mode="Immediately")
    site.run_until(f"{WEDNESDAY} 13:00")
    assert [(row.status, row.reason) for row in site.rows("v")] == [("NotRun", "Isolated"), ("Success", None)]


def test_an_instance_at_the_same_time_keeps_its_id_and_runs_the_new_version(site: Site) -> None:
    site.deploy("a", DAILY, task("a", Script={"Content": "one"}), task("b", "a"))
    site.run_until(f"{TUESDAY} 10:00")
    before = site.rows("a") + site.rows("b")
    site.deploy("a", DAILY, task("a", Script={"Content": "two"}), task("c", "a"), task("b", "c"), mode="Immediately")
    after = site.rows("a") + site.rows("b")
    assert [row.id for row in before] == [row.id for row in after]
    assert site.upstreams("b", TUESDAY) == {"12:00": ["c 12:00"]}
    assert "replaced" in site.causes(before[0].id)
    site.run_until(f"{TUESDAY} 12:10")
    assert [run.script for run in site.runner.runs.values()] == ["two", "true", "true"]
    assert site.statuses("a*", TUESDAY) == ["Success"]


def test_a_task_that_is_taken_away(site: Site) -> None:
    site.deploy("w", SIX, task("a"), task("b", "a"), task("c", "b"))
    site.run_until(f"{TUESDAY} 13:00")
    gone = site.rows("b", TUESDAY)[-1].id
    site.deploy("w", SIX, task("a"), task("c", "a"), mode="Immediately")
    assert site.times("b", TUESDAY) == at(0, 6, 12)
    assert site.upstreams("c", TUESDAY)["18:00"] == ["a 18:00"]
    assert site.causes(gone)[-1] == "replaced"
    site.run_until(f"{TUESDAY} 19:00")
    assert site.statuses("w*", TUESDAY) == ["Success"] * 4


def test_a_new_task_in_a_workflow_that_ran_already_is_dry_for_the_past(site: Site) -> None:
    site.deploy("w", SIX, task("a"))
    site.run_until(f"{TUESDAY} 13:00", failing=["a"])
    site.deploy("w", SIX, task("a"), task("b", "a"), task("c"), mode="Immediately")
    assert site.times("b", TUESDAY) == dry(0, 6, 12) + at(18)
    site.run_until(f"{TUESDAY} 19:00")
    assert site.statuses("c", TUESDAY) == ["Success"] * 4
    assert site.statuses("b", TUESDAY) == ["NotRun"] * 3 + ["Success"]
    assert site.statuses("w*", TUESDAY) == ["Failure"] * 3 + ["Success"]


def test_what_begun_instances_are_is_not_changed(site: Site) -> None:
    """One that an operator ended before its time."""
    site.deploy("a", SIX)
    site.run_until(f"{TUESDAY} 13:00")
    last = site.rows("a", TUESDAY)[-1]
    site.call("SetSuccessTaskInstances", Ids=[last.id])
    site.deploy("a", EIGHT, mode="Immediately")
    assert site.times("a", TUESDAY) == at(0, 6, 12, 16, 18)


def test_t_plus_1_leaves_today_alone(site: Site) -> None:
    site.deploy("a", SIX)
    site.run_until(f"{TUESDAY} 13:00")
    before = site.everything()
    site.deploy("a", EIGHT)
    assert site.everything() == before


def test_in_the_window_nothing_happens_at_once(site: Site) -> None:
    site.deploy("a", SIX)
    site.run_until(f"{TUESDAY} 23:40")
    before = site.everything()
    site.deploy("a", EIGHT, mode="Immediately")
    site.run_until(f"{TUESDAY} 23:50")
    assert site.everything() == before
    site.run_until("2025-11-06 00:10")
    assert [site.times("a", day) for day in (WEDNESDAY, "2025-11-06")] == [at(0, 6, 12, 18), at(0, 8, 16)]


def test_another_data_source_touches_no_instance(site: Site) -> None:
    site.deploy("a", DAILY, task("a", DataSource={"Name": "one"}))
    site.run_until(f"{TUESDAY} 10:00")
    before = site.rows("a")
    site.deploy("a", DAILY, task("a", DataSource={"Name": "two"}), mode="Immediately")
    assert [row.data_source for row in site.rows("a", TUESDAY)] == ["one"]
    assert site.rows("a") == before


def test_an_update_that_changes_nothing_replaces_nothing(site: Site) -> None:
    site.deploy("a", SIX, mode="Immediately")
    site.run_until(f"{TUESDAY} 13:00")
    before = site.everything()
    site.deploy("a", SIX, mode="Immediately")
    assert site.everything() == before


def test_self_dependent_instances_wait_for_the_kept_ones(site: Site) -> None:
    site.deploy("a", SIX, task("a", Dependencies=[SELF]))
    site.run_until(f"{TUESDAY} 13:00", failing=["a"])
    site.deploy("a", EIGHT, task("a", Dependencies=[SELF]), mode="Immediately")
    assert site.upstreams("a", TUESDAY)["16:00"] == ["a 12:00"]
    site.run_until(f"{TUESDAY} 23:00")
    assert site.statuses("a", TUESDAY) == ["Failure", "NotRun", "NotRun", "NotRun"]


def test_a_workflow_that_follows_it_as_a_whole(site: Site) -> None:
    site.deploy("u", SIX)
    site.deploy("v", "0 0 23 * * ?", Dependencies=[{"Type": "Normal", "UpstreamTaskId": site.workflows["u"]}])
    site.run_until(f"{TUESDAY} 13:00")
    site.deploy("u", EIGHT, mode="Immediately")
    assert site.upstreams("v*", TUESDAY) == {"23:00": [f"u* {time}" for time in at(0, 6, 12, 16)]}
    site.run_until(f"{TUESDAY} 23:10")
    assert site.statuses("v", TUESDAY) == ["Success"]


@pytest.mark.parametrize("steps", range(8))
def test_while_today_is_still_being_planned(site: Site, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """After any number of steps of a late pass the result is the same."""
    monkeypatch.setattr(planning, "_WORKFLOWS", 1)
    monkeypatch.setattr("tidemill.scheduler.creation._WORK", 1)
    site.deploy("t", DAILY)
    site.deploy("u", SIX)
    site.deploy("v", "0 0 23 * * ?", task("v", "u", "t"))
    site.at(f"{TUESDAY} 13:00")
    for _ in range(steps):
        site.turn()
    site.deploy("u", EIGHT, mode="Immediately")
    site.run_until(f"{TUESDAY} 13:00")
    assert site.times("u", TUESDAY) == at(0, 6, 12, 16)
    assert site.upstreams("v", TUESDAY) == {
        "23:00": [f"u {time}" for time in at(0, 6)] + ["t 12:00"] + [f"u {time}" for time in at(12, 16)]
    }
    site.run_until(f"{TUESDAY} 23:10")
    assert site.statuses("v", TUESDAY) == ["Success"]


@pytest.mark.parametrize("upstream", ["0 0 23 * * ?", None])
def test_a_task_that_loses_its_last_dependency_waits_for_nothing(site: Site, upstream: str | None) -> None:
    """Neither for the old edge nor, where its upstream has no instance, as an isolated one."""
    end = {} if upstream else {"EndTime": "2025-11-03 00:00:00"}
    site.deploy("u", upstream or DAILY, Trigger=end)
    site.deploy("v", DAILY, task("v", "u"))
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("v", DAILY, task("v"), mode="Immediately")
    assert site.upstreams("v", TUESDAY) == {"12:00": []}
    site.run_until(f"{TUESDAY} 12:10")
    assert site.statuses("v", TUESDAY) == ["Success"]
