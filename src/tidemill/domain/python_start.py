"""How a task says by a tag whether its script in Python gets an interpreter of its own (docs/decisions/0018)."""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from tidemill.domain.definitions import Tag
from tidemill.domain.errors import Fault

PYTHON_TAG = "tidemill.python"
PythonStart = Literal["fresh", "forked"]
_STARTS: tuple[PythonStart, ...] = get_args(PythonStart)


def python_start(tags: Iterable[Tag]) -> PythonStart | None:
    """The tag's value; None without the tag: the server's setting decides."""
    said = {tag.value for tag in tags if tag.key == PYTHON_TAG}
    return next((start for start in _STARTS if start in said), None)


def start_faults(path: str, tags: Iterable[Tag]) -> Iterator[Fault]:
    """`path` is that of the tags."""
    for index, tag in enumerate(tags):
        if tag.key == PYTHON_TAG and tag.value not in _STARTS:
            yield Fault(f"{path}[{index}].Value", f"{PYTHON_TAG} is {' or '.join(_STARTS)}")
