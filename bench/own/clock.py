"""Schedules by the clock: how long after they are due instances start, and what 10,000 idle schedules cost."""

import time
from datetime import UTC, datetime, timedelta
from datetime import time as dt_time

from bench.client import serving, task
from bench.own.calls import idle
from bench.own.listing import count, instances, percentiles

WINDOW = dt_time(23, 10)  # of the day in UTC; from 23:30 on nothing is made Immediately
DAILY, HOUR = {"Type": "Scheduler", "Cron": "0 0 0 * * ?"}, timedelta(hours=1)
SETTINGS = {"TIDEMILL_TIME_ZONE": "UTC", "TIDEMILL_IMMEDIATE_DELAY": "0"}


def punctual(session):
    """10,000 daily schedules, 1,000 in each of ten minutes (cron knows no seconds): how late instances start."""
    return due_to_started(session, 10_000, 10)


def even(session):
    """10,000 tasks, 16 or 17 at each of 600 seconds in a row (windows of runs know seconds): how late they start."""
    with serving(database=session.database, **SETTINGS) as api:
        made = [
            api.call("CreateWorkflow", ProjectId=10_000, Name=f"e{second}", Owner="1000", Trigger=DAILY,
                     Tasks=[task(f"e{second}-{i}") for i in range(16 + (second % 3 > 0))])["Id"]
            for second in range(600)
        ]  # fmt: skip
        first = (datetime.now(UTC) + timedelta(seconds=40)).replace(microsecond=0)
        day = (first - timedelta(days=1)).date().isoformat()
        for second, id in enumerate(made):
            opens = first + timedelta(seconds=second)
            window = {"Type": "Daily", "StartTime": f"{opens:%H:%M:%S}", "EndTime": f"{opens + HOUR:%H:%M:%S}"}
            api.call("CreateWorkflowInstances", ProjectId=10_000, WorkflowId=id, Name="even", Type="SupplementData",
                     Periods={"BizDates": [{"StartBizDate": day, "EndBizDate": day}]},
                     DefaultRunProperties={"RunPolicy": window})  # fmt: skip
        assert datetime.now(UTC) < first, "the runs took longer to create than foreseen"
        time.sleep((first - datetime.now(UTC)).total_seconds() + 605)
        ended = instances(api, Status="Success")
    begin = int(first.timestamp() * 1000)
    late = [each["StartedTime"] - begin - 1000 * int(each["TaskName"][1:].partition("-")[0]) for each in ended]
    return {"due_to_started_ms": percentiles(late), "started_early": len([value for value in late if value < 0])}


def spike(session):
    """2,000 schedules due at one second: milliseconds from due to started, and seconds until all have ended."""
    return due_to_started(session, 2_000, 1)


def due_to_started(session, number, minutes, watched=None):
    watched = watched or minutes
    with serving(database=session.database, **SETTINGS) as api:
        begin = time.time()
        first = beginning(api, number)
        for i in range(number):
            due = first + timedelta(minutes=i % minutes)
            schedule(api, f"s{i}", due, InstanceMode="Immediately")
        creating = time.time() - begin
        assert datetime.now(UTC) < first, f"the schedules took {creating:.0f} s to create, longer than foreseen"
        last, expected = (
            first + timedelta(minutes=watched - 1),
            len([i for i in range(number) if i % minutes < watched]),
        )
        time.sleep((last - datetime.now(UTC)).total_seconds() + 5)
        while count(api, Status="Success") < expected:
            time.sleep(1)
        ended = instances(api, Status="Success")
    late = [each["StartedTime"] - each["TriggerTime"] for each in ended]
    done = [each["FinishedTime"] - each["TriggerTime"] for each in ended]
    return {
        "due_to_started_ms": percentiles(late),
        "started_early": len([value for value in late if value < 0]),
        "due_to_ended_seconds": max(done) / 1000,
        "created_in_seconds": round(creating, 1),
    }


def beginning(api, number):
    """A full minute that comes after `number` schedules will have been created, from how long a few take."""
    begin, trial = time.time(), 50
    for i in range(trial):
        schedule(api, f"trial{i}", datetime.now(UTC) - timedelta(minutes=5))
    needed = (time.time() - begin) / trial * number * 2.5 + 20
    first = (datetime.now(UTC) + timedelta(seconds=needed)).replace(second=0, microsecond=0) + timedelta(minutes=1)
    if datetime.now(UTC).time() >= WINDOW or (first + timedelta(minutes=15)).date() > datetime.now(UTC).date():
        raise SystemExit("this workload needs schedules of today: from 23:10 UTC on there is no time left for them")
    return first


def schedule(api, name, due, **fields):
    """A workflow of one shell task, daily at the minute of `due`."""
    trigger = {"Type": "Scheduler", "Cron": f"0 {due.minute} {due.hour} * * ?"}
    api.call("CreateWorkflow", ProjectId=10_000, Name=name, Owner="1000", Trigger=trigger, Tasks=[task(f"{name}-t")],
             **fields)  # fmt: skip


def idle_schedules(session):
    """10,000 daily schedules, none due: memory and processor time over a minute."""
    with serving(database=session.database, **SETTINGS) as api:
        later = datetime.now(UTC) + timedelta(hours=2)
        for i in range(10_000):
            schedule(api, f"s{i}", later)
        time.sleep(20)
        return idle(api, 60)
