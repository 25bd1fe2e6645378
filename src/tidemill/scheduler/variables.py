"""Variables between instances: what a success hands out, and what a run is given (scheduling-semantics 9)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tidemill.domain.control.assignment import NO_RESULT, result_of
from tidemill.domain.control.kinds import ASSIGNING
from tidemill.domain.definitions import Variable
from tidemill.domain.errors import Malformed
from tidemill.domain.expressions import Base, Expression
from tidemill.domain.instance import Instance
from tidemill.domain.status import Status
from tidemill.domain.variables import OUTPUTS_NAME, STATUS, Value, source_of
from tidemill.store import variables
from tidemill.store.variables import Subject, Upstream

Inputs = Mapping[str, Value]
Given = dict[tuple[int, str], Value]


class Outputs(NamedTuple):
    """What scripts gave as their result, by instance, and why others gave none though they had to."""

    values: dict[int, Value]
    refused: dict[int, str]


def outputs_of(db: Connection, ids: Sequence[int], read: Callable[[str], str]) -> Outputs:
    """The results of runs that ended well; `read` gives the last line of a log.

    An assignment without a result fails, and so does a result that is too long; another task without one succeeds.
    """
    found = Outputs({}, {})
    for subject in variables.subjects(db, ids).values() if ids else ():
        assigns = subject.task.type in ASSIGNING
        if not assigns and all(variable.type != "NodeOutput" for variable in _outputs(subject)):
            continue
        try:
            value = result_of(read(subject.log) if subject.log else "")
        except Malformed as error:
            found.refused[subject.id] = str(error)
            continue
        if value is not None:
            found.values[subject.id] = value
        elif assigns:
            found.refused[subject.id] = NO_RESULT
    return found


def hand_out(db: Connection, succeeded: Sequence[Instance], results: Mapping[int, Value]) -> None:
    """Store the output variables of these instances, which are Success now.

    A dry run, or an instance set successful, has no result of a script: its Constant and System values exist.
    """
    ids = [instance.id for instance in succeeded]
    subjects = variables.subjects(db, ids)
    above, given = _above(db, [item.id for item in subjects.values() if _passes(_outputs(item))])
    rows: list[tuple[int, str, Value]] = []
    for subject in subjects.values():
        named: dict[str, Value | None] = {}
        if subject.task.type in ASSIGNING:
            named[OUTPUTS_NAME] = results.get(subject.id)
        for variable in _outputs(subject):
            if variable.type == "NodeOutput":
                named[variable.name or ""] = results.get(subject.id)
            elif variable.type == "PassThrough":
                named[variable.name or ""] = _from_above(variable, above.get(subject.id, ()), given)
            else:
                named[variable.name or ""] = _own(variable, subject)
        rows += [(subject.id, name, value) for name, value in named.items() if value is not None]
    variables.replace(db, ids, rows)


def inputs_of(db: Connection, ids: Iterable[int]) -> dict[int, dict[str, Value]]:
    """Instance: its input variables. One whose producer handed out nothing is an empty text.

    Where several instances of a producer are upstream, the latest trigger time counts.
    """
    subjects = {item.id: item for item in variables.subjects(db, ids).values() if _inputs(item)}
    above, given = _above(db, list(subjects)) if subjects else ({}, {})
    return {
        id: {variable.name or "": _input(variable, subject, above.get(id, ()), given) for variable in _inputs(subject)}
        for id, subject in subjects.items()
    }


def _input(variable: Variable, subject: Subject, above: Iterable[Upstream], given: Given) -> Value:
    value = _from_above(variable, above, given)
    if value is None and variable.type in ("Constant", "System"):
        return _own(variable, subject)
    return "" if value is None else value


def _above(db: Connection, ids: Sequence[int]) -> tuple[dict[int, list[Upstream]], Given]:
    """The direct upstreams of these instances, and what those handed out."""
    above = variables.upstreams(db, ids) if ids else {}
    return above, variables.values(db, {item.id for items in above.values() for item in items}) if above else {}


def _from_above(variable: Variable, above: Iterable[Upstream], given: Given) -> Value | None:
    """What a reference leads to; None for a value of the task's own, an empty text for one that is missing."""
    try:
        source = source_of(variable)
    except Malformed:  # an update refuses it; nothing is there to be referred to
        return ""
    producers = [item.id for item in above if source is not None and source.output in item.outputs]
    return given.get((producers[-1], source.name), "") if source is not None and producers else None


def _own(variable: Variable, subject: Subject) -> Value:
    text = variable.value or ""
    if variable.type == "Constant":
        return text
    if text == STATUS:
        return Status.SUCCESS
    if variable.value is None:
        return ""
    day, zone = date.fromisoformat(subject.bizdate), ZoneInfo(subject.time_zone)
    base = Base(subject.trigger_time, day, zone, subject.workflow_id, subject.task_id, subject.id)
    return Expression.parse(text).value(base)


def _inputs(subject: Subject) -> Sequence[Variable]:
    return subject.task.inputs.variables if subject.task.inputs else ()


def _outputs(subject: Subject) -> Sequence[Variable]:
    return subject.task.outputs.variables if subject.task.outputs else ()


def _passes(listed: Iterable[Variable]) -> bool:
    return any(variable.type == "PassThrough" for variable in listed)
