"""Checks of the history: what happened, in which order. The order is that of the events' ids."""

from sqlalchemy import and_, exists, func, or_, select

from tidemill.domain.control.kinds import MERGE
from tidemill.domain.status import FINAL, Event, Status
from tidemill.store.tables import event, instance_edge, run, task_instance, workflow_instance
from tidemill.store.verifying.checks import Check

t = task_instance.c
h = event.c
e = instance_edge.c
r = run.c
w = workflow_instance.c

_AGAIN = (Event.RETRY, Event.LOST)
_SENT_BACK = (Event.RERUN, Event.RESUMED)
_BEGINNINGS = (Event.STARTED, Event.SKIPPED, Event.SUCCEEDED)

_told = select(
    h.id,
    h.instance_id,
    h.run_number,
    h.from_status,
    h.cause,
    func.lag(h.to_status).over(partition_by=h.instance_id, order_by=h.id).label("before"),
    func.lag(h.run_number).over(partition_by=h.instance_id, order_by=h.id).label("number_before"),
).subquery("told")
s = _told.c

_latest = select(h.instance_id, func.max(h.id).label("id")).group_by(h.instance_id).subquery("latest")

# Retries and repetitions of lost runs do not look at upstreams again (engine 10): only a first run does.
_again, _sent_back = event.alias("again"), event.alias("sent_back")
_goes_on = exists(
    select(1).where(
        _again.c.instance_id == h.instance_id,
        _again.c.id < h.id,
        _again.c.cause.in_(_AGAIN),
        ~exists(
            select(1).where(
                _sent_back.c.instance_id == _again.c.instance_id,
                _sent_back.c.id > _again.c.id,
                _sent_back.c.id < h.id,
                _sent_back.c.cause.in_(_SENT_BACK),
            )
        ),
    )
)
_repeated = select(_again.c.instance_id).where(_again.c.cause.in_(_AGAIN))
_begun = (
    select(h.id, h.instance_id)
    .where(
        h.cause.in_(_BEGINNINGS),
        h.from_status.in_((Status.NOT_RUN, Status.WAIT_RESOURCE)),
        or_(h.instance_id.not_in(_repeated), ~_goes_on),
    )
    .subquery("begun")
)
_above = event.alias("above")
_then = (
    select(_above.c.to_status)
    .where(_above.c.instance_id == e.upstream_id, _above.c.id < _begun.c.id)
    .order_by(_above.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_upstreams = (
    select(
        _begun.c.instance_id,
        e.upstream_id,
        t.control,
        func.coalesce(_then, Status.NOT_RUN.value).label("status"),
    )
    .join_from(_begun, instance_edge, e.downstream_id == _begun.c.instance_id)
    .join(task_instance, t.id == _begun.c.instance_id)
    .subquery("upstreams")
)
u = _upstreams.c

_opening = event.alias("opening")
_opened = exists(
    select(1).where(
        _opening.c.instance_id == t.representative_id,
        _opening.c.id < _begun.c.id,
        _opening.c.to_status.in_((Status.RUNNING, *FINAL)),
    )
)

_same_key = (
    select(
        func.min(t.id).label("instance_id"), func.max(t.id).label("other"), t.task_id, t.trigger_time, t.env, t.origin
    )
    .group_by(t.env, t.task_id, t.trigger_time, t.origin)
    .having(func.count() > 1)
)
_same_cycle = (
    select(func.min(w.id).label("instance_id"), func.max(w.id).label("other"), w.workflow_id, w.trigger_time)
    .where(w.origin == 0, w.workflow_id > 1)
    .group_by(w.env, w.workflow_id, w.trigger_time)
    .having(func.count() > 1)
)

_is_task = exists(select(1).where(t.id == h.instance_id, t.kind == "Task"))
_starts = (
    select(h.instance_id, h.run_number, func.count().label("times"))
    .where(h.cause == Event.STARTED, _is_task)
    .group_by(h.instance_id, h.run_number)
    .having(func.count() > 1)
)
_ends = (
    select(h.instance_id, h.run_number, func.count().label("times"))
    .where(h.from_status == Status.RUNNING, h.to_status != Status.RUNNING, _is_task)
    .group_by(h.instance_id, h.run_number)
    .having(func.count() > 1)
)
_good_run = exists(
    select(1).where(r.instance_id == h.instance_id, r.run_number == h.run_number, r.status == Status.SUCCESS)
)
_started = event.alias("started")
_has_started = exists(
    select(1).where(
        _started.c.instance_id == r.instance_id,
        _started.c.run_number == r.run_number,
        _started.c.to_status.in_((Status.RUNNING, *FINAL)),
    )
)

CHECKS = (
    Check(
        "P1",
        "one instance",
        "{instance_id} and {other} are both the instance of task {task_id} ({env}) at {trigger_time} of {origin}",
        _same_key,
    ),
    Check(
        "P1",
        "one workflow instance",
        "{instance_id} and {other} are both the instance of workflow {workflow_id} at {trigger_time}",
        _same_cycle,
    ),
    Check(
        "P2",
        "upstreams first",
        "instance {instance_id} began while its upstream {upstream_id} was {status}",
        select(u.instance_id, u.upstream_id, u.status).where(
            u.status != Status.SUCCESS, or_(u.control.is_(None), u.control != MERGE, u.status.not_in(FINAL))
        ),
    ),
    Check(
        "P2",
        "workflow first",
        "instance {instance_id} began before its workflow instance, which {representative_id} represents",
        select(_begun.c.instance_id, t.representative_id)
        .join_from(_begun, task_instance, t.id == _begun.c.instance_id)
        .where(t.kind == "Task", t.representative_id != t.id, ~_opened),
    ),
    Check(
        "P3",
        "unbroken history",
        "event {id} moves instance {instance_id} from {from_status}, but it was {before}",
        select(s.id, s.instance_id, s.from_status, s.before).where(
            s.before.is_not(None), s.before != s.from_status, s.cause != "replaced"
        ),
    ),
    Check(
        "P3",
        "rising run numbers",
        "event {id} of instance {instance_id} has run number {run_number} after {number_before}",
        select(s.id, s.instance_id, s.run_number, s.number_before).where(
            or_(
                s.run_number < s.number_before,
                and_(s.cause == Event.STARTED, s.from_status == Status.WAIT_RESOURCE, s.number_before.is_not(None),
                     s.run_number != s.number_before + 1),
            )
        ),
    ),
    Check("P3", "one start a run", "run {run_number} of instance {instance_id} began {times} times", _starts),
    Check(
        "P3",
        "present status",
        "instance {id} is {status}, but the last event of its history says {to_status}",
        select(t.id, t.status, h.to_status)
        .join_from(_latest, event, h.id == _latest.c.id)
        .join(task_instance, t.id == _latest.c.instance_id)
        .where(h.to_status != t.status),
    ),
    Check(
        "P4", "one end a run", "run {run_number} of instance {instance_id} ended {times} times", _ends
    ),
    Check(
        "P4",
        "success by a run",
        "instance {instance_id} became Success by run {run_number}, of which nothing is known",
        select(h.instance_id, h.run_number).where(
            h.from_status == Status.RUNNING, h.to_status == Status.SUCCESS, _is_task, ~_good_run
        ),
    ),
    Check(
        "P4",
        "runs in the history",
        "run {run_number} of instance {instance_id} is in no event",
        select(r.instance_id, r.run_number).where(~_has_started),
    ),
)  # fmt: skip
