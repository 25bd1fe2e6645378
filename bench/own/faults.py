"""What a killed server costs, and what planning costs those that run meanwhile."""

import itertools
import time
from datetime import date

from bench.client import serving, task
from bench.own.calls import layered
from bench.own.listing import count, instances, percentiles

BEFORE = 10  # seconds of undisturbed dispatching that planning is held against
UTC = {"TIDEMILL_TIME_ZONE": "UTC"}


def lanes(api, name, seconds, number=1000):
    """A manual workflow of tasks that wait for nothing and sleep; its id."""
    return api.create(name, [task(f"{name}-{i}", script=f"sleep {seconds}") for i in range(number)])["Id"]


def trigger(api, id):
    asked = {"ProjectId": 10_000, "WorkflowId": id, "Name": "bench", "Type": "ManualWorkflow"}
    return api.call("CreateWorkflowInstances", **asked)["OperationId"]


def created(api, operation):
    while (made := api.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"])[
        "Status"
    ] == "Creating":
        time.sleep(0.2)
    assert made["Status"] == "Created", made


def restart(session, workflows=10):
    """10,000 instances run or wait, the server is killed: seconds from its start to an answer and to a dispatch."""
    with serving(database=session.database, **UTC) as api:
        operations = [trigger(api, id) for id in [lanes(api, f"r{number}", 0.2) for number in range(workflows)]]
        for operation in operations:
            created(api, operation)
        while count(api, Status="Success") < 50:
            time.sleep(0.2)
        unfinished, found = workflows * 1000 - count(api, Status="Success"), []
        for _ in range(max(1, session.rounds // 2)):
            api.kill()
            begin = time.time()
            api.start()
            asked = {"Filter": {"startedTimeStart": int(begin * 1000)}}
            while not (started := instances(api, **asked)):
                time.sleep(0.05)
            first = min(each["StartedTime"] for each in started) / 1000 - begin
            found.append({"answer": round(api.started, 3), "dispatch": round(first, 3)})
            time.sleep(2)
        return {"unfinished": unfinished, "seconds": found, "memory_mb": round(api.pss() / 1e6)}


def restart100k(session):
    """The same with 100,000."""
    return restart(session, 100)


def plan(session, last="2024-09-26"):
    """1,000 dates × 1,000 tasks, 2,000,000 edges, are planned while 50 tasks a second start: the longest pause."""
    dates = (date.fromisoformat(last) - date(2022, 1, 1)).days + 1
    with serving(database=session.database, **UTC) as api:
        body = {"ProjectId": 10_000, "Name": "wide", "Owner": "1000", "Tasks": with_more_edges(layered(0, 10, 100))}
        wide = api.call("CreateWorkflow", **body, Trigger={"Type": "Scheduler", "Cron": "0 0 1 * * ?"})["Id"]
        lane = lanes(api, "lane", 0.2)
        for _ in range(10):
            created(api, trigger(api, lane))
        while count(api, WorkflowId=lane, Status="Success") < 500:
            time.sleep(0.5)
        time.sleep(BEFORE)
        begin = time.time()
        created(api, api.call(
            "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=wide, Name="plan", Type="SupplementData",
            Periods={"BizDates": [{"StartBizDate": "2022-01-01", "EndBizDate": last}]},
        )["OperationId"])  # fmt: skip
        seconds = time.time() - begin
        started = [each for each in instances(api, WorkflowId=lane) if each.get("StartedTime")]
    starts = sorted(each["StartedTime"] / 1000 for each in started)
    before = [start for start in starts if begin - BEFORE < start < begin]
    during = [start for start in starts if begin <= start <= begin + seconds]
    return {
        "instances": dates * 1001, "seconds": round(seconds, 1), "instances_per_second": round(dates * 1001 / seconds),
        "pause_seconds": {"before": pauses(before), "meanwhile": pauses(during)},
        "dispatched_per_second": round(len(during) / seconds, 1),
    }  # fmt: skip


def with_more_edges(tasks):
    """2,000 in all for layers of 100: some tasks wait for the one before the two that they wait for already."""
    for i, each in enumerate(tasks[100:]):
        if i % 9 < 2:
            layer, place = divmod(i, 100)
            each["Dependencies"].append({"Type": "Normal", "UpstreamOutput": f"default.0-v{layer}-{(place - 1) % 100}"})
    return tasks


def pauses(starts):
    return percentiles([round(later - earlier, 3) for earlier, later in itertools.pairwise(starts)])
