"""Scheduling parameters: how they are declared, which level wins, and what an instance keeps of them.

Everything is resolved when the instance is generated, for then it has its id (`$taskid`), and is stored with it: a
rerun, however late, uses the same values. Only context parameters, the outputs of upstream tasks, are known later.
Source: DataWorks, "Configure and use scheduling parameters", "Use workflow parameters".
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from tidemill.domain.errors import Malformed
from tidemill.domain.expressions import Base, Expression, system_values

OPAQUE = "-"


class Parameter(NamedTuple):
    """A name and its value expression, or its value once resolved. Positional values are named `1`, `2`, …"""

    name: str
    value: str


class Workspace(NamedTuple):
    """A project's parameters in one environment: `variables` are expressions, `constants` stand for themselves.

    `secrets` name where a value is kept; it joins the others only when a run is put together.
    """

    variables: tuple[Parameter, ...] = ()
    constants: tuple[Parameter, ...] = ()
    secrets: tuple[Parameter, ...] = ()


NO_WORKSPACE = Workspace()


@dataclass(frozen=True)
class Levels:
    """The parameters that a task of one workflow can see, each level as declared.

    `override` is the `TaskParameters` of a run: it replaces the task's own and wins over every level. `given` are the
    workflow parameters of a manual run: plain values that stand in for the workflow's own.
    """

    task: tuple[Parameter, ...] = ()
    workflow: tuple[Parameter, ...] = ()
    workspace: Workspace = NO_WORKSPACE
    override: tuple[Parameter, ...] | None = None
    manual: bool = False
    given: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Resolved:
    """What an instance stores: the computed values of each level that its task can see, and where secrets are kept.

    `task` keeps the order of declaration; `workflow_first` is how manual workflows rank;
    `overridden` says that `task` is the TaskParameters of a run.
    """

    task: tuple[Parameter, ...] = ()
    workflow: Mapping[str, str] = field(default_factory=dict[str, str])
    workspace: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    system: Mapping[str, str] = field(default_factory=dict[str, str])
    workflow_first: bool = False
    overridden: bool = False

    def revealed(self, read: Mapping[str, str], values: Mapping[str, str]) -> "Resolved":
        """With these of its secrets (name: place) among the workspace's values; `values` by place. Never stored.

        Raises Malformed for one that is gone.
        """
        gone = sorted(name for name, place in read.items() if place not in values)
        if gone:
            raise Malformed(f"the workspace parameter workspace.{gone[0]} was deleted, or cannot be decrypted")
        known = {name: values[place] for name, place in read.items()}
        return replace(self, workspace={**self.workspace, **known}, secrets={})

    @cached_property
    def values(self) -> dict[str, str]:
        """What `${name}` stands for in the script; `workflow.name` and `workspace.name` are those of that level."""
        values = {**self.system, **self._plain}
        values.update((f"workspace.{name}", value) for name, value in self.workspace.items())
        values.update((f"workflow.{name}", value) for name, value in self.workflow.items())
        return values

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Positional values in numeric order, so that `$1` is the parameter named 1; then named ones as declared."""
        positional = sorted((int(name), value) for name, value in self.task if name.isdecimal())
        named = [self._plain.get(name, value) for name, value in self.task if not name.isdecimal()]
        return (*(value for _, value in positional), *named)

    @property
    def text(self) -> str:
        """The task's own parameters as the API shows them: `k1=v1 k2=v2`."""
        return " ".join(value if name.isdecimal() or name == OPAQUE else f"{name}={value}" for name, value in self.task)

    @cached_property
    def _plain(self) -> dict[str, str]:
        own = _named(self.task)
        if self.workflow_first:
            return {**self.workspace, **own, **self.workflow}
        return {**self.workspace, **self.workflow, **own}

    def to_json(self) -> str:
        """As it is stored; empty levels are left out."""
        stored = {
            "task": self.task,
            "workflow": self.workflow,
            "workspace": self.workspace,
            "secrets": self.secrets,
            "system": self.system,
            "workflow_first": self.workflow_first,
            "overridden": self.overridden,
        }
        return json.dumps({level: values for level, values in stored.items() if values}, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "Resolved":
        """Read what `to_json` wrote."""
        stored = json.loads(text)
        return Resolved(**stored | {"task": tuple(Parameter(*item) for item in stored.get("task", ()))})


@lru_cache(maxsize=4_096)
def declare(text: str | None) -> tuple[Parameter, ...]:
    """Read `k1=v1 k2=v2`, in the order declared.

    A blank ends a pair. A token with no `=`, or more than one, is positional. Text with `-p "` is one parameter named
    `-`, blanks and all. Raises Malformed for a name that is empty or declared twice. Source: dataworks-spec,
    `VariableUtils`.
    """
    if text and re.search(r'(?:^|\s)-p\s*"', text):
        return (Parameter(OPAQUE, text),)
    declared: dict[str, str] = {}
    positional = 0
    for token in (text or "").split():
        name, value = token, ""
        if token.count("=") == 1:
            name, value = token.split("=")
        else:
            positional += 1
            name, value = str(positional), token
        if not name:
            raise Malformed(f"`{token}` has no name in front of `=`")
        if name in declared:
            raise Malformed(f"`{name}` is declared twice")
        declared[name] = value
    return tuple(Parameter(name, value) for name, value in declared.items())


def validate(text: str | None, context_names: Collection[str] = ()) -> list[str]:
    """Warnings about a `Parameters` text; raises Malformed with every fault, so that UpdateWorkflow can refuse it.

    `context_names` are the task's input variables: a parameter must not hide one.
    """
    faults: list[str] = []
    warnings: list[str] = []
    for name, value in declare(text):
        if name in context_names:
            faults.append(f"{name}: an input variable has the same name")
        try:
            warnings += [f"{name}: {warning}" for warning in Expression.parse(value).warnings]
        except Malformed as error:
            faults.append(f"{name}: {error}")
        if name.isdecimal() and "=" in value:
            warnings.append(f"{name}: `{value}` has several `=` and is taken as a positional value")
        elif name != OPAQUE and not re.fullmatch(r"\w+", name):
            warnings.append(f"{name}: not a name that a script can use; write letters, digits and `_`")
    if faults:
        raise Malformed("; ".join(faults))
    return warnings


@lru_cache(maxsize=8_192)
def any_has_ids(parameters: tuple[Parameter, ...]) -> bool:
    """Whether a value holds `$jobid`, `$nodeid` or `$taskid`, so that no other instance gets the same."""
    return any(Expression.parse(item.value).has_ids for item in parameters)


def resolve(parameters: Iterable[Parameter], base: Base) -> tuple[Parameter, ...]:
    """The same parameters with their values computed. Raises Malformed for what `validate` refuses."""
    return tuple(Parameter(name, Expression.parse(value).value(base)) for name, value in parameters)


def resolve_levels(levels: Levels, base: Base) -> Resolved:
    """What a task's script and program get.

    A plain name is looked up in the task, the workflow and the workspace, in that order; in a manual workflow the
    workflow comes first.
    """
    return Resolved(
        task=resolve(levels.task if levels.override is None else levels.override, base),
        workflow={**_named(resolve(levels.workflow, base)), **levels.given},
        workspace=_named((*resolve(levels.workspace.variables, base), *levels.workspace.constants)),
        secrets=dict(levels.workspace.secrets),
        system=system_values(base),
        workflow_first=levels.manual and levels.override is None,
        overridden=levels.override is not None,
    )


def _named(parameters: Iterable[Parameter]) -> dict[str, str]:
    """Those with a name of their own: positional ones are their program's, and a dot would pass for a level."""
    return {name: value for name, value in parameters if not name.isdecimal() and name != OPAQUE and "." not in name}
