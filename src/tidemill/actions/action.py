"""What an action is: a name, a request and an answer, a permission, and the function that does it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tidemill.actions.context import Context, Permission
from tidemill.domain.definitions import Wire


@dataclass(frozen=True, slots=True)
class Action:
    """`reads` actions get a reading transaction; all others write, and stand in the operation log."""

    name: str
    request: type[Wire]
    response: type[Wire]
    function: Callable[[Context, Any], Wire]
    permission: Permission
    reads: bool = False


def by_name(*lists: Iterable[Action]) -> dict[str, Action]:
    """All actions of these lists. Raises ValueError for a name that stands twice."""
    found: dict[str, Action] = {}
    for actions in lists:
        for action in actions:
            if found.setdefault(action.name, action) is not action:
                raise ValueError(f"the action {action.name} is listed twice")
    return found
