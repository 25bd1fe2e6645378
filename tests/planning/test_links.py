"""Edges between the instances of different workflows, as the nightly pass makes them; the rules are `domain.edges`'."""

from typing import Any

import pytest

from tests.planning.conftest import SELF, Site, task

NOON = "0 0 12 * * ?"
HOURLY = "0 0 0-23/1 * * ?"
SIX = "0 0 0-23/6 * * ?"
EIGHT = "0 0 0-23/8 * * ?"
TUESDAY, WEDNESDAY = "2025-11-04", "2025-11-05"


def other(site: Site, name: str) -> dict[str, Any]:
    """The previous cycle of another task."""
    id = next(id for id, known in site.names.items() if known == name)
    return {"Type": "CrossCycleDependsOnOtherNode", "UpstreamTaskId": id}


def at(name: str, *hours: int) -> list[str]:
    return [f"{name} {hour:02}:00" for hour in hours]


@pytest.mark.parametrize(
    ("upstream", "up_self", "downstream", "down_self", "edges"),
    [
        pytest.param("0 0 7 * * ?", False, EIGHT, False, {0: [7], 8: [7], 16: [7]}, id="D01"),
        pytest.param(HOURLY, False, "0 0 0 * * ?", False, {0: range(24)}, id="D03"),
        pytest.param(HOURLY, True, NOON, False, {12: [12]}, id="D04"),
        pytest.param(EIGHT, False, "0 0 1-3/1 * * ?", False, {1: [0], 2: [8], 3: [16]}, id="D07"),
        pytest.param(SIX, False, EIGHT, False, {0: [0], 8: [6], 16: [12]}, id="D08"),
        pytest.param(EIGHT, False, SIX, False, {0: [0], 6: [0], 12: [8], 18: [16]}, id="D09"),
    ],
)
def test_same_cycle(
    site: Site, upstream: str, up_self: bool, downstream: str, down_self: bool, edges: dict[int, list[int]]
) -> None:
    site.deploy("u", upstream, task("u", Dependencies=[SELF] if up_self else []))
    site.deploy("v", downstream, task("v", "u"))
    site.run_until("2025-11-03 23:31")
    assert site.upstreams("v", TUESDAY) == {f"{down:02}:00": at("u", *ups) for down, ups in edges.items()}


def test_d02_self_dependency_of_the_downstream_takes_over_after_the_first(site: Site) -> None:
    site.deploy("u", "0 0 7 * * ?")
    site.deploy("v", EIGHT, task("v", Dependencies=[{"Type": "Normal", "UpstreamOutput": "x.u"}, SELF]))
    site.run_until(f"{WEDNESDAY} 23:59")
    assert site.upstreams("v", TUESDAY) == {"00:00": ["u 07:00"], "08:00": ["v 00:00"], "16:00": ["v 08:00"]}
    assert site.upstreams("v", WEDNESDAY)["00:00"] == [f"v {TUESDAY} 16:00", "u 07:00"]
    assert set(site.statuses("v", WEDNESDAY)) == {"Success"}


def test_a_failure_blocks_the_chain_across_days(site: Site) -> None:
    site.deploy("v", EIGHT, task("v", Dependencies=[SELF]))
    site.run_until(f"{TUESDAY} 09:00", failing=["v"])
    site.run_until(f"{WEDNESDAY} 23:59")
    assert site.statuses("v", TUESDAY) == ["Failure", "NotRun", "NotRun"]
    assert site.statuses("v", WEDNESDAY) == ["NotRun"] * 3


def test_the_previous_cycle_of_another_task(site: Site) -> None:
    site.deploy("u", HOURLY)
    site.deploy("v", NOON, task("v", Dependencies=[other(site, "u")]))
    site.run_until(f"{WEDNESDAY} 00:01")
    assert site.upstreams("v", TUESDAY) == {"12:00": []}
    assert site.upstreams("v", WEDNESDAY) == {"12:00": [f"u {TUESDAY} {hour:02}:00" for hour in range(24)]}


def test_the_previous_cycle_of_all_that_follow(site: Site) -> None:
    site.deploy("a", NOON, task("a", Dependencies=[{"Type": "CrossCycleDependsOnChildren"}]))
    site.deploy("b", EIGHT, task("b", "a"))
    site.deploy("c", "0 0 13 * * ?", task("c", "a"))
    site.run_until(f"{WEDNESDAY} 23:00")
    assert site.upstreams("a", WEDNESDAY) == {
        "12:00": [f"b {TUESDAY} 00:00", f"b {TUESDAY} 08:00", f"c {TUESDAY} 13:00", f"b {TUESDAY} 16:00"]
    }
    assert site.statuses("a", WEDNESDAY) == ["Success"]


def test_d22_a_failure_of_one_that_follows_blocks_the_next_day(site: Site) -> None:
    site.deploy("A", NOON, task("A", Dependencies=[{"Type": "CrossCycleDependsOnChildren"}]))
    for name in "BCD":
        site.deploy(name, "0 0 13 * * ?", task(name, "A"))
    site.run_until(f"{WEDNESDAY} 23:00", failing=["B"])
    assert site.statuses("B", TUESDAY) == ["Failure"]
    assert site.statuses("A", WEDNESDAY) == ["NotRun"]
    assert site.upstreams("A", WEDNESDAY) == {"12:00": [f"{name} {TUESDAY} 13:00" for name in "BCD"]}


def test_both_cycles_of_one_upstream(site: Site) -> None:
    site.deploy("u", NOON)
    site.deploy("v", NOON, task("v", Dependencies=[{"Type": "Normal", "UpstreamOutput": "x.u"}, other(site, "u")]))
    site.run_until(f"{WEDNESDAY} 23:00")
    assert site.upstreams("v", WEDNESDAY) == {"12:00": [f"u {TUESDAY} 12:00", "u 12:00"]}


def test_a_workflow_as_a_whole(site: Site) -> None:
    """What follows a workflow waits for all of it, and its tasks wait for what the workflow as a whole waits for."""
    site.deploy("u", NOON, task("u1"), task("u2", "u1"))
    depends = [{"Type": "Normal", "UpstreamTaskId": site.workflows["u"]}]
    site.deploy("w", "0 0 11 * * ?", task("w1"), task("w2", "w1"), Dependencies=depends)
    site.deploy("v", "0 0 11 * * ?", task("v", Dependencies=depends))
    site.run_until(f"{TUESDAY} 12:30", failing=["u2"])
    assert site.upstreams("w*", TUESDAY) == {"11:00": ["u* 12:00"]}
    assert site.upstreams("v", TUESDAY) == {"11:00": ["u* 12:00"]}
    assert site.statuses("u2", TUESDAY) == ["Failure"]
    assert [site.statuses(name, TUESDAY) for name in ("w1", "w2", "v")] == [["NotRun"]] * 3
    site.call("RerunTaskInstances", Ids=[site.rows("u2")[0].id])
    site.run_until(f"{TUESDAY} 12:40")
    assert [site.statuses(name, TUESDAY) for name in ("w1", "w2", "v", "w*")] == [["Success"]] * 4


def test_a_workflow_that_waits_for_its_own_previous_instance(site: Site) -> None:
    site.deploy("w", SIX, task("a"), task("b", "a"), Dependencies=[SELF])
    site.run_until(f"{TUESDAY} 12:30", failing=["b"])
    assert site.upstreams("w*", TUESDAY)["12:00"] == ["w* 06:00"]
    assert site.statuses("a", TUESDAY) == ["Success", "NotRun", "NotRun", "NotRun"]


def test_an_edge_to_what_has_succeeded_already_holds_nothing(site: Site) -> None:
    """Wednesday is planned when Tuesday's last instance is done."""
    site.deploy("u", "0 0 7 * * ?")
    site.deploy("v", "0 0 8 * * ?", task("v", Dependencies=[other(site, "u")]))
    site.run_until(f"{WEDNESDAY} 08:01")
    assert site.statuses("v", WEDNESDAY) == ["Success"]


def test_an_instance_none_of_whose_upstreams_is_planned_is_isolated(site: Site) -> None:
    site.deploy("u", NOON, Trigger={"EndTime": "2025-11-04 23:59:59"})
    site.deploy("v", NOON, task("v", "u"))
    site.run_until(f"{WEDNESDAY} 23:00")
    assert [site.statuses("v", day) for day in (TUESDAY, WEDNESDAY)] == [["Success"], ["NotRun"]]
    (row,) = site.rows("v", WEDNESDAY)
    assert (row.reason, row.pending_upstreams) == ("Isolated", 1)


def test_one_absent_upstream_beside_others_is_left_out_with_an_event(site: Site) -> None:
    site.deploy("u", NOON)
    site.deploy("gone", NOON, Trigger={"EndTime": "2025-11-03 23:59:59"})
    site.deploy("v", NOON, task("v", "u", "gone"))
    site.run_until(f"{TUESDAY} 23:00")
    (row,) = site.rows("v", TUESDAY)
    assert row.status == "Success"
    assert "upstream absent" in site.causes(row.id)


def test_upstream_and_downstream_in_different_zones_pair_by_business_date(site: Site) -> None:
    site.deploy("u", "0 0 1 * * ?", Trigger={"TimeZone": "Europe/Berlin"})
    site.deploy("v", "0 0 12 * * ?", task("v", "u"))
    site.run_until(f"{WEDNESDAY} 23:00")
    assert [row.bizdate for row in site.rows("u")] == ["2025-11-03", "2025-11-04"]
    (row,) = site.rows("v", WEDNESDAY)
    assert site.upstreams("v", WEDNESDAY) == {"12:00": ["u 08:00"]}
    assert row.status == "Success"
