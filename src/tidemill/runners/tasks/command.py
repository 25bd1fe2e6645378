"""What a task type gives the runner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs that the settings name."""

    python: str


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start in the run's working directory, where `script` has the name `script_name`."""

    program: str
    arguments: tuple[str, ...]
    script_name: str


Starter = Callable[[Tools, Sequence[str]], Command]
