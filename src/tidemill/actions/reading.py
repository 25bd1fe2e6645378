"""From a request's parameters to its model: JSON texts are read, and all faults are told at once, with their paths."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidemill.domain.definitions import Wire
from tidemill.domain.errors import Fault, InvalidRequest

M = TypeVar("M", bound=Wire)

_NOTHING = frozenset({"", "null", "undefined", "None"})  # what clients send for a list or object that nobody set
_SAYS = {
    "missing": "is mandatory",
    "model_type": "an object is expected",
    "model_attributes_type": "an object is expected",
    "dict_type": "an object is expected",
    "tuple_type": "a list is expected",
    "string_type": "a text is expected",
    "string_too_short": "must not be empty",
    "extra_forbidden": "unknown here",
}


@lru_cache
def _structured(model: type[Wire]) -> dict[str, bool]:
    """Wire name of each list or object field: whether its items are plain texts or numbers."""
    found: dict[str, bool] = {}
    for name, info in model.model_fields.items():
        kind = _bare(info.annotation)
        if get_origin(kind) in (tuple, list, dict):
            item = _bare(get_args(kind)[0])
            found[info.alias or name] = item in (int, str) and get_origin(kind) is tuple
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            found[info.alias or name] = False
    return found


def _bare(annotation: Any) -> Any:
    """The type without Annotated and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation


def read_parameters(model: type[M], parameters: Mapping[str, Any]) -> M:
    """The request that the parameters say. Raises InvalidRequest with every fault; unknown parameters are ignored."""
    structured = _structured(model)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in parameters.items():
        if value is None or (name in structured and isinstance(value, str) and value.strip() in _NOTHING):
            continue
        if name in structured and isinstance(value, str):
            try:
                value = _decode(value, comma=structured[name])
            except (ValueError, RecursionError):
                faults.append(Fault(name, "JSON is expected"))
                continue
        values[name] = value
    try:
        request = model.model_validate(values)
    except ValidationError as error:
        broken = {fault.path for fault in faults}
        found = [_fault(detail) for detail in error.errors(include_url=False)]
        faults += [fault for fault in found if not (fault.missing and fault.path in broken)]
    else:
        if not faults:
            return request
    raise InvalidRequest(_in_order(model, faults))


def _decode(text: str, *, comma: bool) -> Any:
    """JSON, or texts and numbers joined by commas."""
    if comma and not text.lstrip().startswith(("[", "{")):
        return [part.strip() for part in text.split(",")]
    return json.loads(text)


def _in_order(model: type[Wire], faults: Sequence[Fault]) -> list[Fault]:
    order = {info.alias or name: index for index, (name, info) in enumerate(model.model_fields.items())}
    return sorted(faults, key=lambda fault: order.get(fault.parameter, len(order)))


def _fault(detail: ErrorDetails) -> Fault:
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    missing = detail["type"] == "missing" or (detail["input"] is None and detail["type"] != "value_error")
    return Fault(path or "Request", _SAYS["missing"] if missing else _says(detail), missing)


def _says(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            return f"{context['expected'].replace(chr(39), '')} is expected"
        case "value_error":
            return str(context["error"])
        case "string_too_long" | "too_long":
            return f"at most {context.get('max_length')}"
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case "too_short":
            return f"at least {context.get('min_length')}"
        case other:
            return _SAYS.get(other, detail["msg"])
