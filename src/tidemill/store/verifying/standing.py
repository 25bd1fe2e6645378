"""Checks of how things stand: whether each unfinished instance has somebody or something that moves it on (P6)."""

from sqlalchemy import and_, case, exists, func, or_, select

from tidemill.domain.control.kinds import LOOPS, MERGE
from tidemill.domain.status import FINAL, Status
from tidemill.store.instances import visible
from tidemill.store.tables import instance_edge, iteration, run, task_instance
from tidemill.store.verifying.checks import Check

t = task_instance.c
e = instance_edge.c
r = run.c
i = iteration.c
_up = task_instance.alias("up")
_down = task_instance.alias("down")
_inner = task_instance.alias("inner_instance")
_whole = task_instance.alias("whole")

_unsatisfied = (
    select(func.count()).where(e.downstream_id == t.id, e.satisfied == 0).correlate(task_instance).scalar_subquery()
)
_waits = _unsatisfied + t.waits_entry + t.held + t.isolated
_recount = (
    select(t.id, t.pending_upstreams, _waits.label("counted")).where(t.finished_time.is_(None)).subquery("recount")
)

_as_done = or_(_up.c.status == Status.SUCCESS, and_(_down.c.control == MERGE, _up.c.status == Status.FAILURE))
_joined = instance_edge.join(_up, _up.c.id == e.upstream_id).join(_down, _down.c.id == e.downstream_id)
_has_begun = or_(_down.c.run_number > 0, _down.c.finished_time.is_not(None))

_counted = (
    select(
        _inner.c.representative_id,
        func.sum(case((_inner.c.status != Status.SUCCESS, 1), else_=0)).label("unfinished"),
        func.sum(
            case(
                (_inner.c.status == Status.FAILURE, 1),
                (and_(_inner.c.frozen == 1, _inner.c.status != Status.SUCCESS), 1),
                else_=0,
            )
        ).label("failed"),
    )
    .where(_inner.c.kind == "Task")
    .group_by(_inner.c.representative_id)
    .subquery("counted")
)
_inner_edge = instance_edge.alias("inner_edge")
_inner_up = task_instance.alias("inner_up")
_blocked_inside = exists(
    select(1)
    .select_from(_inner_edge.join(_inner_up, _inner_up.c.id == _inner_edge.c.upstream_id))
    .where(
        _inner_edge.c.downstream_id == _inner.c.id,
        _inner_edge.c.satisfied == 0,
        _inner_up.c.representative_id == _inner.c.representative_id,
    )
)
_goes_on = exists(
    select(1).where(
        _inner.c.workflow_instance_id == t.workflow_instance_id,
        _inner.c.kind == "Task",
        _inner.c.finished_time.is_(None),
        _inner.c.frozen == 0,
        ~_blocked_inside,
    )
)
_open_run = exists(select(1).where(r.instance_id == t.id, r.run_number == t.run_number, r.finished_time.is_(None)))
_is_loop = t.control.in_(sorted(LOOPS))
_turn_goes_on = exists(
    select(1)
    .select_from(iteration.join(_whole, _whole.c.id == i.representative_id))
    .where(i.instance_id == t.id, _whole.c.finished_time.is_(None))
)
_ended = t.status.in_(FINAL)

CHECKS = (
    Check(
        "P6",
        "edges join instances",
        "an edge leads from {upstream_id} to {downstream_id}, and one of them does not exist",
        select(e.upstream_id, e.downstream_id)
        .select_from(
            instance_edge.outerjoin(_up, _up.c.id == e.upstream_id).outerjoin(_down, _down.c.id == e.downstream_id)
        )
        .where(or_(_up.c.id.is_(None), _down.c.id.is_(None))),
    ),
    Check(
        "P6",
        "pending upstreams",
        "instance {id} counts {pending_upstreams} pending upstreams; it has {counted}",
        select(_recount).where(_recount.c.pending_upstreams != _recount.c.counted),
    ),
    Check(
        "P6",
        "told of its upstream",
        "instance {downstream_id} still waits for {upstream_id}, which is {status}",
        select(e.downstream_id, e.upstream_id, _up.c.status)
        .select_from(_joined)
        .where(e.satisfied == 0, _down.c.finished_time.is_(None), _as_done),
    ),
    Check(
        "P2",
        "upstreams not done",
        "instance {downstream_id} does not wait for {upstream_id}, which is {status}",
        select(e.downstream_id, e.upstream_id, _up.c.status)
        .select_from(_joined)
        .where(e.satisfied == 1, ~_as_done, ~_has_begun),
    ),
    Check(
        "P6",
        "entry",
        "instance {id} waits for its workflow instance to start, which has started",
        select(t.id)
        .join_from(task_instance, _whole, _whole.c.id == t.representative_id)
        .where(t.waits_entry == 1, t.finished_time.is_(None), _whole.c.started_time.is_not(None)),
    ),
    Check(
        "P6",
        "ended or not",
        "instance {id} is {status}, and its finished time does not say so",
        select(t.id, t.status).where(or_(and_(_ended, t.finished_time.is_(None)),
                                         and_(~_ended, t.finished_time.is_not(None)))),
    ),
    Check(
        "P6",
        "queued too early",
        "instance {id} waits for a slot, and for {pending_upstreams} upstreams as well",
        select(t.id, t.pending_upstreams).where(
            t.finished_time.is_(None), t.status == Status.WAIT_RESOURCE, t.pending_upstreams > 0,
            t.retries_used + t.lost_runs == 0,
        ),
    ),
    Check(
        "P6",
        "a run for what runs",
        "instance {id} is Running, but its run {run_number} is not",
        select(t.id, t.run_number).where(
            t.finished_time.is_(None), t.status == Status.RUNNING, t.kind == "Task", ~_open_run
        ),
    ),
    Check(
        "P6",
        "a turn for what loops",
        "instance {id} is a loop that runs, but none of its turns does",
        select(t.id).where(
            t.finished_time.is_(None), t.status == Status.RUNNING, t.kind == "Task", _is_loop, ~_turn_goes_on
        ),
    ),
    Check(
        "P3",
        "runs of what runs",
        "run {run_number} of instance {instance_id} has no end, but the instance is {status} in run {current}",
        select(r.instance_id, r.run_number, t.status, t.run_number.label("current"))
        .join_from(run, task_instance, t.id == r.instance_id)
        .where(r.finished_time.is_(None), or_(t.status != Status.RUNNING, t.run_number != r.run_number)),
    ),
    Check(
        "P6",
        "counters of a workflow instance",
        "{id} counts {unfinished} unfinished and {failed} failed inner instances, not {is_unfinished} and {is_failed}",
        select(
            t.id, t.unfinished, t.failed, _counted.c.unfinished.label("is_unfinished"),
            _counted.c.failed.label("is_failed"),
        )
        .join_from(task_instance, _counted, _counted.c.representative_id == t.id)
        .where(t.kind == "Workflow", visible,
               or_(t.unfinished != _counted.c.unfinished, t.failed != _counted.c.failed)),
    ),
    Check(
        "P6",
        "end of a workflow instance",
        "workflow instance of {id} is {status} with {unfinished} unfinished and {failed} failed inner instances",
        select(t.id, t.status, t.unfinished, t.failed).where(
            t.kind == "Workflow",
            t.started_time.is_not(None),
            or_(
                and_(t.unfinished == 0, t.status != Status.SUCCESS),
                and_(t.unfinished > 0, t.status == Status.SUCCESS),
                and_(t.failed > 0, t.unfinished > 0, t.status == Status.RUNNING, ~_goes_on),
                and_(t.failed > 0, t.unfinished > 0, t.status == Status.FAILURE, _goes_on),
            ),
        ),
    ),
)  # fmt: skip
