"""From parameters to a request model: texts are read as the wire writes them, and every fault is told at once."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidemill.actions import json_text
from tidemill.domain.definitions import Wire
from tidemill.domain.errors import Fault, InvalidRequest
from tidemill.settings import Settings

M = TypeVar("M", bound=Wire)
Kind = Literal["plain", "structure", "items"]  # items: a list of texts or integers

_NOTHING = frozenset({"", "null", "undefined", "None"})  # what clients write for a list or object that nobody set
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
_ODD = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)
_MAX_DEPTH = 16  # of flat names; the longest real one has six parts
_MISSING = "is mandatory"
_MOST_FAULTS = 10_000  # each takes a thousand bytes until they are told


def read_parameters(model: type[M], parameters: Mapping[str, object], settings: Settings) -> tuple[M, int]:
    """The request that the parameters say, and how many of them the model does not know (those are ignored).

    Raises InvalidRequest with every fault, in the order of the model's fields.
    """
    kinds = _kinds(model)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    unknown = 0
    for name, value in {**_gathered(parameters, kinds), **_whole(parameters, kinds)}.items():
        if name not in kinds:
            unknown += 1
            continue
        try:
            read = _read(value, kinds[name])
        except ValueError as error:
            faults.append(Fault(name, str(error)))
        else:
            if read is not None:
                values[name] = read
    return _validated(model, values, faults, settings), unknown


def _validated(model: type[M], values: Mapping[str, Any], faults: list[Fault], settings: Settings) -> M:
    unreadable = {fault.path for fault in faults}
    try:
        request = model.model_validate(values, context={"settings": settings})
        found: list[Fault] = []
    except ValidationError as error:
        if error.error_count() > _MOST_FAULTS:
            raise InvalidRequest([Fault("Request", f"it has {error.error_count()} faults")]) from None
        request = None
        found = [_fault(detail) for detail in error.errors(include_url=False)]
    faults += [fault for fault in found if fault.path not in unreadable]
    if request is None or faults:
        order = {name: index for index, name in enumerate(_kinds(model))}
        raise InvalidRequest(sorted(faults, key=lambda fault: order.get(fault.parameter, len(order))))
    return request


# --- what kind of value a field takes ------------------------------------------------------------------------------


@cache
def _kinds(model: type[Wire]) -> dict[str, Kind]:
    """Each field's name on the wire, and its kind, in the model's order."""
    return {info.alias or name: _kind(info.annotation) for name, info in model.model_fields.items()}


def _kind(annotation: Any) -> Kind:
    bare = _bare(annotation)
    if get_origin(bare) is tuple:
        return "items" if _bare(get_args(bare)[0]) in (int, str) else "structure"
    if get_origin(bare) is dict or (isinstance(bare, type) and issubclass(bare, BaseModel)):
        return "structure"
    return "plain"


def _bare(annotation: Any) -> Any:
    """The type without Annotated and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation


# --- values as the wire writes them --------------------------------------------------------------------------------


def _read(value: object, kind: Kind) -> Any:
    """The value that the model takes; None for one that counts as absent. Raises ValueError."""
    if not isinstance(value, str) or kind == "plain":
        _check_texts(value)
        return value
    text = value.strip()
    if text in _NOTHING:
        return None
    if kind == "items" and text[0] not in "[{":
        _check_texts(text)
        return [part.strip() for part in text.split(",")]
    decoded = json_text.load(text)
    if _ODD.search(text):
        _check_texts(decoded)
    return decoded


def _check_texts(value: object) -> None:
    """Refuse what no database stores: NUL, and halves of surrogate pairs, which only JSON escapes can write."""
    todo: list[object] = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            if "\0" in part or not _is_unicode(part):
                raise ValueError("a text without NUL and without half surrogate pairs is expected")
        elif isinstance(part, dict):
            members = cast(dict[str, object], part)
            todo += [*members.keys(), *members.values()]
        elif isinstance(part, list | tuple):
            todo += cast(Sequence[object], part)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(parameters: Mapping[str, object], kinds: Mapping[str, Kind]) -> dict[str, object]:
    return {name: value for name, value in parameters.items() if not _flat_head(name, kinds)}


def _flat_head(name: str, kinds: Mapping[str, Kind]) -> str | None:
    """The list or object that `name` is a part of: `Tags` for `Tags.1.Key`."""
    head, dot, _ = name.partition(".")
    return head if dot and kinds.get(head, "plain") != "plain" else None


def _gathered(parameters: Mapping[str, object], kinds: Mapping[str, Kind]) -> dict[str, object]:
    """`Tags.1.Key=a` as {"Tags": [{"Key": "a"}]}: numbers give the order of a list, and gaps do not matter."""
    tree: dict[str, Any] = {}
    for name, value in parameters.items():
        if _flat_head(name, kinds):
            _plant(tree, name, value)
    return {head: _listed(node) for head, node in tree.items()}


def _plant(tree: dict[str, Any], name: str, value: object) -> None:
    *path, last = name.split(".")
    node = tree
    clash = InvalidRequest([Fault(path[0], f"{name[:100]} does not go with the other parts of {path[0]}")])
    if len(path) > _MAX_DEPTH:
        raise clash
    for part in path:
        below = node.setdefault(part, {})
        if not isinstance(below, dict):
            raise clash
        node = cast(dict[str, Any], below)
    if last in node:
        raise clash
    node[last] = value


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    members = cast(dict[str, Any], node)
    if all(_INDEX.fullmatch(key) for key in members):
        return [_listed(members[key]) for key in sorted(members, key=int)]
    return {key: _listed(value) for key, value in members.items()}


# --- faults, in our words ------------------------------------------------------------------------------------------


def _fault(detail: ErrorDetails) -> Fault:
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    missing = detail["type"] == "missing" or detail["input"] is None
    return Fault(path, _MISSING if missing else _expected(detail), missing)


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"{context['expected'].replace(chr(39), '')} is expected"
        case "string_type":
            return "a text is expected"
        case "string_too_short" if context["min_length"] > 1:
            return f"a text of at least {context['min_length']} characters is expected"
        case "string_too_short":
            return "a text that is not empty is expected"
        case "string_too_long":
            return f"a text of at most {context['max_length']} characters is expected"
        case "tuple_type":
            return "a list is expected"
        case "too_short":
            return f"at least {context['min_length']} in the list are expected"
        case "too_long":
            return f"at most {context['max_length']} in the list are expected"
        case "greater_than_equal":
            return f"at least {context['ge']} is expected"
        case "less_than_equal":
            return f"at most {context['le']} is expected"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "an object is expected"
        case _:
            return detail["msg"]
