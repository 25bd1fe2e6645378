"""What a simulation shows: when each instance would start and end, and what would be late, isolated or blocked."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from tidemill.domain.moments import wall_clock
from tidemill.store.tables import instance_edge, project, task, task_instance, workflow

t = task_instance.c


@dataclass(frozen=True, slots=True)
class Line:
    """One instance; `note` is late, isolated, blocked, failed, dry run, or nothing. Times are epoch milliseconds."""

    id: int
    workflow: str
    task: str
    bizdate: str
    trigger_time: int
    started: int | None
    finished: int | None
    note: str
    zone: str

    def shown(self) -> tuple[str, ...]:
        """Its cells as text, in the wall clock of its schedule."""
        zone = ZoneInfo(self.zone)

        def local(moment: int | None) -> str:
            return "-" if moment is None else f"{wall_clock(moment, zone):%Y-%m-%d %H:%M:%S}"

        times = [local(moment) for moment in (self.trigger_time, self.started, self.finished)]
        return self.workflow, self.task, self.bizdate, *times, self.note


HEAD = ("workflow", "task", "bizdate", "cycle time", "start", "end", "note")


def lines(db: Connection, late_after: int, projects: Iterable[int] = ()) -> list[Line]:
    """The task instances by their cycle times; `late_after` is in seconds, of `projects` or of all."""
    statement = (
        select(t.id, workflow.c.name, task.c.name, t.bizdate, t.trigger_time, t.started_time, t.finished_time, t.status,
               t.reason, t.recurrence, t.run_number, project.c.time_zone, workflow.c.time_zone)
        .join_from(task_instance, task, (task.c.id == t.task_id) & (task.c.env == t.env))
        .join(workflow, (workflow.c.id == t.workflow_id) & (workflow.c.env == t.env))
        .join(project, project.c.id == t.project_id)
        .where(t.kind == "Task")
        .order_by(t.trigger_time, t.id)
    )  # fmt: skip
    wanted = list(projects)
    rows = db.execute(statement.where(t.project_id.in_(wanted)) if wanted else statement).all()
    causes = _causes(db)
    return [Line(*row[:7], note=_note(row, late_after, causes), zone=row[12] or row[11]) for row in rows]


def _note(row: Any, late_after: int, causes: dict[int, str]) -> str:
    if row.status == "Failure":
        return "paused" if row.reason == "Frozen" else "failed"
    if row.reason == "Isolated":
        return "isolated"
    if row.status != "Success":
        return f"blocked by {causes[row.id]}" if row.id in causes else "blocked"
    if not row.started_time or row.recurrence not in ("Normal", "Manual"):
        return f"dry run ({row.recurrence})" if row.recurrence != "Normal" else ""
    return "late" if row.started_time - row.trigger_time > late_after * 1000 else ""


def _causes(db: Connection) -> dict[int, str]:
    """Unfinished instance: the name of an upstream that it waits for."""
    upstream = task_instance.alias("upstream")
    e = instance_edge.c
    statement = (
        select(e.downstream_id, task.c.name)
        .join_from(instance_edge, upstream, upstream.c.id == e.upstream_id)
        .join(task, (task.c.id == upstream.c.task_id) & (task.c.env == upstream.c.env))
        .where(e.satisfied == 0)
        .order_by(upstream.c.trigger_time.desc(), upstream.c.id.desc())
    )
    return {row[0]: row[1] for row in db.execute(statement)}


def table(found: Iterable[Line]) -> Iterator[str]:
    """The lines as a table, each column as wide as its widest cell."""
    rows = [HEAD, *(line.shown() for line in found)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def summary(found: Iterable[Line]) -> str:
    """How many instances there were of each kind."""
    kinds = Counter(line.note.split(" (")[0].split(" by ")[0] or "in time" for line in found)
    return f"{sum(kinds.values())} instances: " + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
