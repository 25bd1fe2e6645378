"""Arms that a branch did not choose: marked on the edges out of it, and passed on from instance to instance.

`instance_edge.skips` says that its upstream does not choose the downstream, `task_instance.unchosen` that some edge
says so of the instance. A merge is chosen whatever its edges say. Source: scheduling-semantics 10.1.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, exists, or_, select, update

from tidemill.domain.control.kinds import BRANCH, MERGE
from tidemill.store.statements import BigInteger, Integer, Statement, among, as_ids, as_rows, given
from tidemill.store.tables import instance_edge, task_instance, task_version

t = task_instance.c
e = instance_edge.c
v = task_version.c
_above = task_instance.alias("above")
_below = task_instance.alias("below")

_arms = Statement(
    select(e.upstream_id, e.downstream_id, v.definition)
    .join_from(instance_edge, task_instance, t.id == e.downstream_id)
    .join(task_version, (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version))
    .where(among(e.upstream_id), e.type == "Normal")
)
_marked = given("rows", ("upstream_id", BigInteger), ("downstream_id", BigInteger), ("skips", Integer))
_mark = Statement(
    update(instance_edge)
    .where(e.upstream_id == _marked.c.upstream_id, e.downstream_id == _marked.c.downstream_id, e.type == "Normal")
    .values(skips=_marked.c.skips)
)
_own_next_cycle = exists(
    select(1).where(_above.c.id == e.upstream_id, _below.c.id == e.downstream_id, _above.c.task_id == _below.c.task_id)
)
_pass_on = Statement(
    update(instance_edge)
    .where(among(e.upstream_id), or_(e.type == "Normal", and_(e.type == "CrossCycle", _own_next_cycle)))
    .values(skips=1)
    .returning(e.downstream_id)
)
_clear = Statement(
    update(instance_edge)
    .where(
        among(e.upstream_id),
        e.skips == 1,
        exists(select(1).where(_above.c.id == e.upstream_id, or_(_above.c.unchosen == 1, _above.c.control == BRANCH))),
    )
    .values(skips=0)
    .returning(e.downstream_id)
)
_recompute = Statement(
    update(task_instance)
    .where(among(t.id), t.kind == "Task", t.status == "NotRun", or_(t.control.is_(None), t.control != MERGE))
    .values(unchosen=case((exists(select(1).where(e.downstream_id == t.id, e.skips == 1)), 1), else_=0))
)


def dependencies_below(db: Connection, ids: Iterable[int]) -> list[tuple[int, int, frozenset[str]]]:
    """(instance, one directly below it, the outputs by which that one's task depends on anything)."""
    found: list[tuple[int, int, frozenset[str]]] = []
    for upstream_id, downstream_id, definition in _arms(db, ids=as_ids(ids)):
        dependencies: list[dict[str, Any]] = json.loads(definition).get("Dependencies") or []
        outputs = (item.get("UpstreamOutput") for item in dependencies if item["Type"] == "Normal")
        found.append((upstream_id, downstream_id, frozenset(output for output in outputs if output)))
    return found


def mark(db: Connection, rows: Sequence[tuple[int, int, bool]]) -> None:
    """(branch, instance below it, whether that is on no chosen arm), of every instance below the branch."""
    if rows:
        _mark(db, rows=as_rows((*row[:2], int(row[2])) for row in rows))
        _recompute(db, ids=as_ids({row[1] for row in rows}))


def pass_on(db: Connection, ids: Iterable[int]) -> None:
    """What waits for these unchosen instances is unchosen as well: same cycle, and their own next one."""
    _recompute(db, ids=as_ids({row[0] for row in _pass_on(db, ids=as_ids(ids))}))


def reconsider(db: Connection, ids: Sequence[int]) -> None:
    """These are NotRun again: look afresh whether they are chosen, and take back what they said of others."""
    below = {row[0] for row in _clear(db, ids=as_ids(ids))}
    _recompute(db, ids=as_ids({*ids, *below}))
