"""Tasks that wait for something: CHECK_NODE for a file, DEPENDENT for cycles of other tasks.

Source: scheduling-semantics 10.5; docs/decisions/0013 where it is silent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from tidemill.domain.control.content import as_list, as_object, block, read_json
from tidemill.domain.errors import Malformed

CHECK_NODE = "CHECK_NODE"
DEPENDENT = "DEPENDENT"
_INTERVAL = (60, 1_800)  # seconds
_MINUTES = (1, 1_440)
Relation = Literal["AND", "OR"]


class Check(NamedTuple):
    """`interval` and `limit` are seconds; `path` may hold parameters."""

    path: str
    interval: int
    limit: int


def read_check(content: str | None) -> Check:
    """Raises Malformed where it is no check of a file."""
    found = as_object(read_json(content, '{"path": "/…", "checkInterval": 60, "maxCheckMinutes": 1440}'), "the check")
    path = found.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Malformed("path: the absolute path of a file is expected")
    return Check(path, *_pace(found))


def _pace(found: Any) -> tuple[int, int]:
    interval = _within(found, "checkInterval", _INTERVAL, _INTERVAL[0])
    return interval, _within(found, "maxCheckMinutes", _MINUTES, _MINUTES[1]) * 60


def _within(found: Any, name: str, bounds: tuple[int, int], default: int) -> int:
    value = found.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
        raise Malformed(f"{name}: a number from {bounds[0]} to {bounds[1]} is expected")
    return value


class Item(NamedTuple):
    """The instances of the task that gives `output`, of the run date `days` before one's own."""

    output: str
    days: int


@dataclass(frozen=True, slots=True)
class Dependent:
    """`groups` of items, joined by `relation`; each group has its own. `interval` and `limit` are seconds."""

    interval: int
    limit: int
    relation: Relation
    groups: tuple[tuple[Relation, tuple[Item, ...]], ...]

    def outputs(self) -> set[str]:
        return {item.output for _, items in self.groups for item in items}

    def holds(self, succeeded: Callable[[Item], bool]) -> bool:
        results = (_joined(relation, map(succeeded, items)) for relation, items in self.groups)
        return _joined(self.relation, results)


def _joined(relation: Relation, results: Iterable[bool]) -> bool:
    return all(results) if relation == "AND" else any(results)


def read_dependent(content: str | None) -> Dependent:
    """Raises Malformed where it names no tasks to wait for."""
    found = block(read_json(content, "a list of tasks to wait for, in dependGroups"), "dependent")
    groups = [as_object(item, f"dependGroups[{index}]") for index, item in enumerate(_list(found, "dependGroups"))]
    return Dependent(
        *_pace(found),
        _relation(found, "relation"),
        tuple((_relation(group, "dependGroups.relation"), _items(group)) for group in groups),
    )


def _list(found: Any, name: str) -> list[Any]:
    listed = list(as_list(found.get(name), name))
    if not listed:
        raise Malformed(f"{name}: at least one is expected")
    return listed


def _relation(found: Any, name: str) -> Relation:
    value = found.get("relation", "AND")
    if value not in ("AND", "OR"):
        raise Malformed(f"{name}: AND or OR is expected")
    return value


def _items(group: Any) -> tuple[Item, ...]:
    items: list[Item] = []
    for entry in _list(group, "items"):
        item = as_object(entry, "items")
        output = item.get("input")
        if not isinstance(output, str) or not output:
            raise Malformed("items.input: the output of the task to wait for is expected")
        rules: list[Any] = item.get("rules") or [{"rule": "prevDays", "offset": 0}]
        items += [Item(output, _offset(as_object(rule, "rules"))) for rule in rules]
    return tuple(items)


def _offset(rule: Any) -> int:
    offset = rule.get("offset", 0)
    if rule.get("rule", "prevDays") != "prevDays" or not isinstance(offset, int) or not 0 <= offset <= 366:
        raise Malformed("rules: {'rule': 'prevDays', 'offset': 0 to 366} is expected")
    return offset


def business_date(item: Item, bizdate: str) -> str:
    """That of the instances which an item means, for an instance of `bizdate`."""
    return (date.fromisoformat(bizdate) - timedelta(days=item.days)).isoformat()
