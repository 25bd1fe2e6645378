"""Runs made on request: backfills, tests, manual and triggered runs (scheduling-semantics 7 and 8)."""

from typing import Any

import pytest

from tests.planning.conftest import SELF, Site, task
from tidemill.scheduler import creation, creation_dates

DAILY = "0 0 0 * * ?"
HOURLY = "0 0 0-23/1 * * ?"
NOW = "2025-11-03 10:00"
ANY = 1  # the workflow id that stands for tasks of any workflow


@pytest.fixture
def site(site: Site) -> Site:
    site.at(NOW)
    return site


def run(site: Site, name: str, *ranges: tuple[str, str], type: str = "SupplementData", **fields: Any) -> str:
    """Ask for a run of a workflow's chosen dates; the OperationId."""
    periods = {"BizDates": [{"StartBizDate": first, "EndBizDate": last} for first, last in ranges]}
    periods |= fields.pop("Hours", {})
    given = {"Periods": periods} if ranges else {}
    workflow = site.workflows[name] if name else ANY
    return site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=workflow, Name="r", Type=type, **given, **fields
    )["OperationId"]


def ids(site: Site, *names: str) -> list[int]:
    return [id for name in names for id, known in site.names.items() if known == name]


def result(site: Site, operation: str) -> dict[str, Any]:
    return site.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"]


def made(site: Site, operation: str, env: str = "Prod") -> list[dict[str, Any]]:
    """The task instances of a run, by trigger time."""
    found: list[dict[str, Any]] = []
    for id in result(site, operation)["WorkflowInstanceIds"]:
        bizdate = site.call("GetWorkflowInstance", Id=id)["WorkflowInstance"]["BizDate"]
        found += site.call(
            "ListTaskInstances", ProjectId=10_000, ProjectEnv=env, WorkflowInstanceId=id, Bizdate=bizdate, PageSize=500
        )["PagingInfo"]["TaskInstances"]
    return sorted(found, key=lambda item: (item["TriggerTime"], item["Id"]))


def times(site: Site, operation: str) -> list[str]:
    return [site.local(item["TriggerTime"]) for item in made(site, operation)]


def of_runs(site: Site) -> set[int]:
    """The instances that are not periodic."""
    with site.database.read() as db:
        return set(db.exec_driver_sql("SELECT id FROM task_instance WHERE origin <> 0").scalars())


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param("Asc", ["16", "17", "18"], id="B01"),
        pytest.param("Desc", ["18", "17", "16"], id="B02"),
    ],
)
def test_one_date_after_the_other(site: Site, order: str, expected: list[str]) -> None:
    site.deploy("a", DAILY)
    operation = run(site, "a", ("2025-03-15", "2025-03-17"), DefaultRunProperties={"Order": order, "Parallelism": 1})
    site.run_until("2025-11-03 12:00", minutes=5)
    assert times(site, operation) == [f"2025-03-{day} 00:00" for day in ("16", "17", "18")]
    starts = {site.local(item["TriggerTime"])[8:10]: site.starts[item["Id"]] for item in made(site, operation)}
    assert sorted(starts, key=starts.__getitem__) == expected
    assert len(set(starts.values())) == 3


def test_b03_seven_dates_in_three_groups(site: Site) -> None:
    site.deploy("a", DAILY)
    operation = run(site, "a", ("2025-03-15", "2025-03-21"), DefaultRunProperties={"Parallelism": 3})
    site.run_until("2025-11-03 12:00", minutes=5)
    starts = [site.starts[item["Id"]][11:] for item in made(site, operation)]
    assert starts == ["10:00", "10:05", "10:10", "10:00", "10:05", "10:00", "10:05"]


def test_b04_the_hours_of_a_date(site: Site) -> None:
    site.deploy("a", HOURLY)
    operation = run(site, "a", ("2025-03-15", "2025-03-15"), Hours={"StartTime": "08:00:00", "EndTime": "10:00:00"})
    site.run_until("2025-11-03 10:01")
    assert times(site, operation) == [f"2025-03-16 {hour}:00" for hour in ("08", "09", "10")]


def test_b05_a_self_dependent_task_runs_its_hours_in_order(site: Site) -> None:
    site.deploy("a", HOURLY, task("a", Dependencies=[SELF]))
    operation = run(site, "a", ("2025-03-15", "2025-03-21"), DefaultRunProperties={"Parallelism": 3})
    site.run_until("2025-11-04 12:00", minutes=1)
    items = made(site, operation)
    assert len(items) == 7 * 24
    for day in range(15, 22):
        one = [site.starts[item["Id"]] for item in items if site.local(item["TriggerTime"])[8:10] == str(day + 1)]
        assert one == sorted(set(one))
    assert sum(site.starts[item["Id"]] == "2025-11-03 10:00" for item in items) == 3


@pytest.mark.parametrize(
    ("cron", "bizdate", "time", "recurrence"),
    [
        pytest.param("0 0 0 ? * MON", "2025-11-02", "2025-11-03 00:00", "Normal", id="B06"),
        pytest.param("0 0 0 ? * MON", "2025-11-03", "2025-11-04 00:00", "SkipCycle", id="B07"),
        pytest.param("0 0 0 1 * ?", "2025-10-31", "2025-11-01 00:00", "Normal", id="B08"),
        pytest.param("0 0 0 L * ?", "2025-01-30", "2025-01-31 00:00", "Normal", id="B09"),
        pytest.param("0 0 0 L * ?", "2025-01-31", "2025-02-01 00:00", "SkipCycle", id="B10"),
        pytest.param("0 0 0 * * ?", "2025-03-15", "2025-03-16 00:00", "Normal", id="T09"),
    ],
)
def test_days_on_and_off_a_schedule(site: Site, cron: str, bizdate: str, time: str, recurrence: str) -> None:
    site.deploy("a", cron)
    operation = run(site, "a", (bizdate, bizdate))
    site.run_until("2025-11-03 10:01")
    (item,) = made(site, operation)
    assert (site.local(item["TriggerTime"]), item["TriggerRecurrence"]) == (time, recurrence)


def test_b11_a_date_to_come_waits_for_its_time(site: Site) -> None:
    site.deploy("a", "0 0 18 * * ?")
    operation = run(site, "a", ("2025-11-02", "2025-11-02"))
    site.run_until("2025-11-03 17:59")
    assert [item["Status"] for item in made(site, operation)] == ["WaitTime"]
    site.run_until("2025-11-03 18:00")
    assert [item["Status"] for item in made(site, operation)] == ["Success"]


def test_b12_unless_it_is_to_run_immediately(site: Site) -> None:
    site.deploy("a", "0 0 18 * * ?")
    operation = run(site, "a", ("2025-11-02", "2025-11-02"), DefaultRunProperties={"RunPolicy": {"Immediately": True}})
    site.run_until("2025-11-03 10:01")
    (item,) = made(site, operation)
    assert (site.local(item["TriggerTime"]), item["Status"]) == ("2025-11-03 18:00", "Success")
    assert site.starts[item["Id"]] == NOW


def across(site: Site) -> None:
    """A→B→C and A→D, each in a workflow of its own."""
    site.deploy("A", DAILY)
    site.deploy("B", DAILY, task("B", "A"))
    site.deploy("C", "0 0 5 * * ?", task("C", "B"))
    site.deploy("D", HOURLY, task("D", "A"))


@pytest.mark.parametrize(
    ("properties", "runs", "dry"),
    [
        pytest.param({"RootTaskIds": "A", "IncludeTaskIds": "AC"}, "AC", "B", id="B13"),
        pytest.param({"Mode": "Chain", "IncludeTaskIds": "AC"}, "ABC", "", id="B14"),
        pytest.param({"Mode": "AllDownstream", "RootTaskIds": "A"}, "ABCD", "", id="B15"),
        pytest.param({"Mode": "General", "RootTaskIds": "B"}, "B", "", id="General"),
        pytest.param(
            {"Mode": "AllDownstream", "RootTaskIds": "A", "ExcludeTaskIds": "B"}, "ACD", "B", id="excluded in between"
        ),
    ],
)
def test_tasks_of_several_workflows(site: Site, properties: dict[str, Any], runs: str, dry: str) -> None:
    across(site)
    named = {name: ids(site, *value) if name != "Mode" else value for name, value in properties.items()}
    operation = run(site, "", ("2025-03-15", "2025-03-15"), DefaultRunProperties=named)
    site.run_until("2025-11-03 12:00", minutes=1)
    items = made(site, operation)
    assert {item["TaskName"] for item in items if item["TriggerRecurrence"] == "Normal"} == set(runs)
    assert {item["TaskName"] for item in items if item["TriggerRecurrence"] == "SkipUnchoose"} == set(dry)
    assert {item["Status"] for item in items} == {"Success"}
    assert {item["WorkflowId"] for item in items} == {site.workflows[name] for name in runs + dry}
    began = [item["TaskName"] for item in sorted(items, key=lambda item: item["StartedTime"])]
    assert began[0] == min(runs)
    if {"B", "C"} <= set(runs):
        assert began.index("B") < began.index("C")


def test_workflows_as_a_whole_in_a_run_across_them(site: Site) -> None:
    site.deploy("u", DAILY, task("u1"), task("u2", "u1"))
    depends = [{"Type": "Normal", "UpstreamTaskId": site.workflows["u"]}]
    site.deploy("v", HOURLY, task("v1"), task("v2", "v1"), Dependencies=depends)
    operation = run(
        site, "", ("2025-03-15", "2025-03-15"),
        DefaultRunProperties={"Mode": "AllDownstream", "RootTaskIds": ids(site, "u1")},
    )  # fmt: skip
    site.run_until("2025-11-03 12:00", minutes=1)
    began = {item["TaskName"]: site.starts[item["Id"]] for item in made(site, operation)[::-1]}
    assert [began[name][-2:] for name in ("u1", "u2", "v1", "v2")] == ["00", "01", "02", "03"]


def test_previous_cycles_inside_the_run_are_waited_for(site: Site) -> None:
    site.deploy("u", HOURLY)
    other = {"Type": "CrossCycleDependsOnOtherNode", "UpstreamTaskId": ids(site, "u")[0]}
    site.deploy("v", DAILY, task("v", Dependencies=[other]))
    operation = run(
        site, "", ("2025-03-15", "2025-03-16"), ("2025-03-20", "2025-03-20"),
        DefaultRunProperties={"RootTaskIds": ids(site, "u", "v")},
    )  # fmt: skip
    site.run_until("2025-11-03 12:00")
    waits = {
        site.local(item["TriggerTime"])[:10]: len(site._upstreams(item["Id"], ""))
        for item in made(site, operation)
        if item["TaskName"] == "v"
    }
    assert waits == {"2025-03-16": 0, "2025-03-17": 24, "2025-03-21": 0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"ranges": [("2025-01-01", "2025-01-01")] * 8}, "at most 7", id="B16"),
        pytest.param({"Hours": {"StartTime": "08:00:00"}}, "StartTime and EndTime go together", id="B17"),
        pytest.param({"DefaultRunProperties": {}}, "the tasks to run, where WorkflowId is 1", id="no tasks"),
        pytest.param({"DefaultRunProperties": {"RootTaskIds": [7]}}, "there is no task 7 in Prod", id="unknown"),
        pytest.param(
            {"DefaultRunProperties": {"RootTaskIds": "A", "RunPolicy": {"StartTime": "08:00:00"}}},
            "Type, StartTime and EndTime go together", id="half a policy",
        ),
        pytest.param({"DefaultRunProperties": {"RootTaskIds": "A", "Priority": 3}}, "manual run", id="priority"),
        pytest.param({"TaskParameters": '{"7": "a=1"}'}, "7 is not a task of this run", id="parameters"),
    ],
)  # fmt: skip
def test_what_a_backfill_refuses(site: Site, fields: dict[str, Any], message: str) -> None:
    across(site)
    fields = dict(fields)
    ranges = fields.pop("ranges", [("2025-01-01", "2025-01-01")])
    properties = fields.pop("DefaultRunProperties", {"RootTaskIds": "A"})
    properties = {name: ids(site, *value) if value == "A" else value for name, value in properties.items()}
    periods = {"BizDates": [{"StartBizDate": a, "EndBizDate": b} for a, b in ranges], **fields.pop("Hours", {})}
    status, answer = site.api.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=ANY, Name="r", Type="SupplementData",
        Periods=periods, DefaultRunProperties=properties, **fields,
    )  # fmt: skip
    assert status == 400
    assert message in answer["Message"]


def test_desc_is_refused_where_cycles_wait_for_earlier_ones(site: Site) -> None:
    site.deploy("a", HOURLY, task("a", Dependencies=[SELF]))
    periods = {"BizDates": [{"StartBizDate": "2025-01-01", "EndBizDate": "2025-01-02"}]}
    status, answer = site.api.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["a"], Name="r", Type="SupplementData",
        Periods=periods, DefaultRunProperties={"Order": "Desc"},
    )  # fmt: skip
    assert (status, "Asc is expected" in answer["Message"]) == (400, True)


def test_a_frozen_task_stays_frozen_in_a_backfill(site: Site) -> None:
    site.deploy("a", DAILY, task("a", Trigger={"Recurrence": "Pause"}), task("b", "a"))
    operation = run(site, "a", ("2025-03-15", "2025-03-15"))
    site.run_until("2025-11-03 10:01")
    assert {item["TaskName"]: item["Status"] for item in made(site, operation)} == {"a": "Failure", "b": "NotRun"}


@pytest.mark.parametrize(
    ("policy", "starts"),
    [
        ({"Type": "Daily", "StartTime": "09:00:00", "EndTime": "11:00:00"},
         ["11-03 10:00", "11-03 10:50", "11-04 09:00"]),
        ({"Type": "Daily", "StartTime": "22:00:00", "EndTime": "06:00:00"},
         ["11-03 22:00", "11-03 22:50", "11-03 23:40"]),
        ({"Type": "Weekend", "StartTime": "00:00:00", "EndTime": "00:30:00"},
         ["11-08 00:00", "11-09 00:00", "11-15 00:00"]),
    ],
)  # fmt: skip
def test_runs_begin_within_their_window(site: Site, policy: dict[str, str], starts: list[str]) -> None:
    site.deploy("a", DAILY, task("a"), task("b", "a"), task("c", "b"))
    run(site, "a", ("2025-03-15", "2025-03-15"), DefaultRunProperties={"RunPolicy": policy})
    site.run_until("2025-11-16 00:00", minutes=50)
    chosen = of_runs(site)
    assert [time[5:] for id, time in site.starts.items() if id in chosen] == starts


def test_what_is_still_queued_when_the_window_closes_waits_for_the_next(site: Site) -> None:
    site.slots(1)
    site.deploy("a", DAILY, task("a"), task("b"))
    policy = {"Type": "Daily", "StartTime": "09:00:00", "EndTime": "10:30:00"}
    operation = run(site, "a", ("2025-03-15", "2025-03-15"), DefaultRunProperties={"RunPolicy": policy})
    site.run_until("2025-11-04 12:00", minutes=50)
    assert [site.starts[item["Id"]][5:] for item in made(site, operation)] == ["11-03 10:00", "11-04 09:00"]


@pytest.mark.parametrize(
    ("bizdate", "start", "time"),
    [
        pytest.param("2025-11-01", NOW, "2025-11-02 18:00", id="M11"),
        pytest.param("2025-11-02", "2025-11-03 18:00", "2025-11-03 18:00", id="M12"),
        pytest.param("2025-11-03", "2025-11-04 18:00", "2025-11-04 18:00", id="M13"),
    ],
)
@pytest.mark.parametrize("env", ["Prod", "Dev"])
def test_a_smoke_test(site: Site, bizdate: str, start: str, time: str, env: str) -> None:
    trigger = {"Recurrence": "Skip"}
    site.deploy("a", "0 0 18 * * ?", task("a"), task("b", "a", Trigger=trigger), EnvType=env)
    operation = run(
        site,
        "a",
        (bizdate, bizdate),
        type="SmokeTest",
        EnvType=env,
        DefaultRunProperties={"RootTaskIds": ids(site, "b")},
    )
    site.run_until("2025-11-04 20:00")
    (item,) = made(site, operation, env)
    assert (item["TaskName"], item["WorkflowInstanceType"], item["Status"]) == ("b", "SmokeTest", "Success")
    assert (site.starts[item["Id"]], site.local(item["TriggerTime"])) == (start, time)


def test_chosen_tasks_of_a_manual_workflow(site: Site) -> None:
    site.deploy("m", None, task("a"), task("b", "a"), task("c", "b"), task("d"))
    operation = run(site, "m", type="Manual", DefaultRunProperties={"RootTaskIds": ids(site, "a", "b", "d")})
    site.run_until("2025-11-03 10:30", minutes=5)
    items = made(site, operation)
    assert {item["TaskName"]: site.starts[item["Id"]][-2:] for item in items} == {"a": "00", "b": "05", "d": "00"}
    assert {item["WorkflowInstanceType"] for item in items} == {"Manual"}
    assert {site.local(item["TriggerTime"]) for item in items} == {"2025-11-03 00:00"}


def test_a_triggered_run_has_the_moment_of_its_trigger(site: Site) -> None:
    site.deploy("m", None, task("a", Script={"Content": "echo ${d}", "Parameters": "d=$bizdate t=$cyctime"}))
    operation = run(site, "m", type="TriggerWorkflow")
    site.run_until("2025-11-03 10:01")
    (item,) = made(site, operation)
    assert (site.local(item["TriggerTime"]), item["WorkflowInstanceType"]) == (NOW, "TriggerWorkflow")
    assert [run.arguments for run in site.runner.runs.values()] == [("20251102", "20251103100000")]


MESSAGE = '{"data":{"oss":{"object":{"key":"input/a.csv"}}},"value":"{\\"user_id\\":\\"1001\\"}"}'


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        pytest.param("${workflow.triggerMessage.data.oss.object.key}", "input/a.csv", id="M01"),
        pytest.param("${workflow.triggerMessage.value}", '{"user_id":"1001"}', id="M02"),
        pytest.param("${workflow.triggerMessage}", MESSAGE, id="M03"),
        pytest.param("<${workflow.triggerMessage.data.none}>", "<>", id="M04"),
    ],
)
def test_the_message_of_a_triggered_run(site: Site, reference: str, value: str) -> None:
    site.deploy("m", None, task("a", Script={"Content": reference, "Parameters": "p=own"}), task("b", "a"))
    run(site, "m", type="TriggerWorkflow", TriggerMessage=MESSAGE, WorkflowParameters="p=less q=2")
    site.run_until("2025-11-03 10:01")
    assert next(iter(site.runner.runs.values())).script == value
    status, answer = site.api.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["m"], Name="r", Type="ManualWorkflow",
        TriggerMessage=MESSAGE,
    )  # fmt: skip
    assert (status, answer["Code"]) == (400, "InvalidTriggerMessage")


def test_a_triggered_runs_own_parameters_rank_below_those_of_its_tasks(site: Site) -> None:
    script = {"Content": "${p} ${q}", "Parameters": "p=own"}
    site.deploy("m", None, task("a", Script=script))
    run(site, "m", type="TriggerWorkflow", WorkflowParameters="p=less q=2")
    run(site, "m", type="ManualWorkflow", WorkflowParameters='{"p": "more", "q": "3"}')
    site.run_until("2025-11-03 10:01")
    assert {run.script for run in site.runner.runs.values()} == {"own 2", "more 3"}


class Crash(BaseException):
    pass


def test_a_long_backfill_goes_on_in_the_background_and_survives_crashes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A date that cannot be made prevents no other."""
    monkeypatch.setattr(creation, "_WORK", 1)
    site.deploy("a", DAILY)
    site.deploy("other", DAILY)
    long = run(site, "a", ("2024-01-01", "2024-01-20"))
    make, count = creation_dates._Date.make, 0

    def sometimes(self: Any) -> int:
        nonlocal count
        count += 1
        if self.bizdate == "2024-01-07":
            raise ValueError("bad")
        rows = make(self)
        if count % 3 == 0:
            raise Crash
        return rows

    monkeypatch.setattr(creation_dates._Date, "make", sometimes)
    turned = 0
    while turned < 100:
        turned += 1
        if turned == 5:
            short = run(site, "other", ("2025-03-15", "2025-03-15"))
        if turned == 9:
            assert result(site, short)["Status"] == "Created"
            assert result(site, long)["Status"] == "Creating"
        try:
            if site.turn():
                break
        except Crash:
            site.restart()
    found = result(site, long)
    assert (found["Status"], found["FailureMessage"]) == ("CreateFailure", "2024-01-07 could not be made: ValueError")
    site.run_until("2025-11-03 12:00")
    with site.database.read() as db:
        rows = db.exec_driver_sql(
            "SELECT bizdate, status FROM task_instance WHERE kind = 'Task' AND origin <> 0 ORDER BY bizdate"
        ).all()
    days = [f"2024-01-{day:02}" for day in range(1, 21) if day != 7]
    assert [tuple(row) for row in rows] == [(day, "Success") for day in [*days, "2025-03-15"]]
