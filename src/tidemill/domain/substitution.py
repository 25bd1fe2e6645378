"""How parameters reach a program: replaced in its script, given as arguments, or both, by the type of the task.

Source: DataWorks, "Configure scheduling parameters for different types of nodes".
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from tidemill.domain.parameters import Resolved

_REFERENCE = re.compile(r"\$\{([\w.]+(?:\[\d+\])*)\}")
# Both spellings of a type are in use: the task types' table and the API's examples differ.
_WITH_ARGUMENTS = {"DIDE_SHELL", "PYTHON"}
_WITH_NAMED_ARGUMENTS = {"PYODPS", "PY_ODPS", "PYODPS3", "PY_ODPS3"}


@dataclass(frozen=True)
class Prepared:
    """A script as its program gets it. `arguments` are `$1`, `$2`, … or argv; `args` is the `args` of PyODPS."""

    script: str
    arguments: tuple[str, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict[str, str])


def render(script: str, values: Mapping[str, str]) -> str:
    """`script` with every `${name}` that `values` knows replaced, from left to right and never inside a replacement.

    Other names stay, for they are the shell's. Nothing is quoted.
    """
    return _REFERENCE.sub(lambda reference: values.get(reference[1], reference[0]), script)


def undeclared(script: str, values: Mapping[str, str]) -> list[str]:
    """Names that `render` leaves in `script`, each once, as they come: worth a warning in the log of SQL."""
    return list(dict.fromkeys(name for name in _REFERENCE.findall(script) if name not in values))


def secrets_read(task_type: str, script: str, resolved: Resolved, context: Container[str] = ()) -> dict[str, str]:
    """The secrets that a script refers to, and where each is kept; `context` are the names of its input variables.

    A plain name is another's where a nearer level, or a variable, has it. What PyODPS reads is any word of its code.
    """
    if not resolved.secrets:
        return {}
    named = set(_REFERENCE.findall(script))
    plain = named | set(re.findall(r"\w+", script)) if task_type.upper() in _WITH_NAMED_ARGUMENTS else named
    return {
        name: place
        for name, place in resolved.secrets.items()
        if f"workspace.{name}" in named or (name in plain and name not in resolved.values and name not in context)
    }


def prepare(task_type: str, script: str, resolved: Resolved, context: Mapping[str, str] | None = None) -> Prepared:
    """The script and arguments of one run; `context` are its input variables, replaced in every type of task.

    In PyODPS the code's plain names are not replaced: it reads `args['name']`. Names with a dot are, everywhere.
    """
    values, context = resolved.values, context or {}
    plain = {name: value for name, value in values.items() if "." not in name}
    if task_type.upper() in _WITH_NAMED_ARGUMENTS:
        dotted = {name: value for name, value in values.items() if "." in name}
        return Prepared(render(script, dotted | dict(context)), args=plain)
    arguments = resolved.arguments if task_type.upper() in _WITH_ARGUMENTS else ()
    return Prepared(render(script, dict(values) | dict(context)), arguments)
