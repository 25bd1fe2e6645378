"""Scheduling parameters: declared as text, resolved when an instance is made, put into the script when it runs.

Sources: scheduling-semantics 4.1 (declaring), 4.5 (substitution), 4.6 (levels and precedence).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from tidemill.domain.expressions import InvalidExpression, Moment, parse_value, warnings_of

_NAME = re.compile(r"[^\W]\w*")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*|\d+)\}")
_OPAQUE = '-p "'


class InvalidParameters(ValueError):
    """A parameter text that cannot be read; the message names the parameter and says what would be right."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter; a positional one is named by its ordinal, an opaque one by `-`."""

    name: str
    value: str
    positional: bool = False


@lru_cache(maxsize=16_384)
def declare(text: str) -> tuple[Parameter, ...]:
    """`k1=v1 k2=v2`, tokens without `=` being positional. Raises InvalidParameters."""
    if text.strip().startswith(_OPAQUE):
        return (Parameter("-", text.strip()),)
    found: list[Parameter] = []
    positional = 0
    for token in text.split():
        name, equals, value = token.partition("=")
        if not equals or "=" in value:
            positional += 1
            found.append(Parameter(str(positional), token, True))
        elif not _NAME.fullmatch(name):
            raise InvalidParameters(f"{token}: a name of letters, digits and underscores is expected before =")
        else:
            found.append(Parameter(name, value))
    names = [parameter.name for parameter in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidParameters(f"{name} is declared twice")
    return tuple(found)


def check_parameters(text: str) -> list[str]:
    """Warnings of a parameter text. Raises InvalidParameters, naming the parameter, where it cannot be used."""
    warnings: list[str] = []
    for parameter in declare(text):
        if parameter.name == "-":
            continue
        try:
            parse_value(parameter.value)
        except InvalidExpression as error:
            raise InvalidParameters(f"{parameter.name}: {error}") from error
        warnings += warnings_of(parameter.value)
    return warnings


def resolve(text: str | None, moment: Moment) -> list[tuple[str, str]]:
    """(name, value) of each declared parameter, in the order of declaration."""
    if not text:
        return []
    return [(item.name, item.value if item.name == "-" else parse_value(item.value)(moment)) for item in declare(text)]


class Resolved(BaseModel):
    """An instance's values, fixed when it is made: a rerun uses the same (P81, P89).

    `task` keeps the order of declaration, for arguments by position; `workflow_first` is how manual workflows rank.
    """

    model_config = ConfigDict(frozen=True)

    task: tuple[tuple[str, str], ...] = ()
    workflow: dict[str, str] = {}
    workspace: dict[str, str] = {}
    workflow_first: bool = False
    bizdate: str = ""
    cyctime: str = ""

    @property
    def names(self) -> dict[str, str]:
        """What `${name}` stands for, outer levels and their prefixed forms included (4.6)."""
        levels = [self.workspace, dict(self.task), self.workflow]
        if not self.workflow_first:
            levels = [self.workspace, self.workflow, dict(self.task)]
        found = {name: value for level in levels for name, value in level.items()}
        found |= {f"workflow.{name}": value for name, value in self.workflow.items()}
        found |= {f"workspace.{name}": value for name, value in self.workspace.items()}
        return found | {"bdp.system.bizdate": self.bizdate, "bdp.system.cyctime": self.cyctime}

    @property
    def arguments(self) -> tuple[str, ...]:
        """The task's own values by position; a level that ranks higher overrides one of the same name."""
        names = self.names
        ordered = sorted(self.task, key=lambda item: int(item[0])) if _all_numbers(self.task) else self.task
        return tuple(names[name] for name, _ in ordered)

    @property
    def text(self) -> str:
        """`k=v` pairs of the task's own parameters, as the API shows them."""
        return " ".join(value if name.isdigit() or name == "-" else f"{name}={value}" for name, value in self.task)


def _all_numbers(items: Iterable[tuple[str, str]]) -> bool:
    return all(name.isdigit() for name, _ in items)


def render(script: str, names: Mapping[str, str]) -> str:
    """The script with each declared `${name}` replaced once, left to right; other `${…}` stay as they are."""
    return _REFERENCE.sub(lambda match: names.get(match[1], match[0]), script)


def undeclared(script: str, names: Mapping[str, str]) -> list[str]:
    """Names in `${…}` that nothing declares: left as they are, because a shell may know them."""
    return sorted({name for name in _REFERENCE.findall(script) if name not in names})


__all__: Sequence[str] = [
    "InvalidParameters", "Moment", "Parameter", "Resolved", "check_parameters", "declare", "render", "resolve",
    "undeclared",
]  # fmt: skip
