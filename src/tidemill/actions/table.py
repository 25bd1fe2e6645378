"""Every action that this server has. Each module of a resource lists its own; here they come together."""

from functools import cache
from importlib.resources import files

from tidemill.actions.action import Action, by_name

ACTIONS: dict[str, Action] = by_name()


@cache
def operation_names() -> frozenset[str]:
    """Every operation of the API, served here or not."""
    lines = files("tidemill.actions").joinpath("operation_names.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
