"""The request and answer models have every field of the API's description, and no other but our own."""

import json
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from tidemill.actions.perform import known_operations
from tidemill.actions.table import ACTIONS

DESCRIPTION = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text())
DESCRIBED = DESCRIPTION["operations"]
OURS = {  # of Tidemill's own, or a map or a JSON text that the description does not go into
    "CreateWorkflowInstances": {"ClientToken"},
    "ListWorkflowInstances": {"Filter.status", "Filter.executionDate"},
    "ListTaskInstances": {
        f"Filter.{kind}Time{end}" for kind in ("started", "finished", "create") for end in ("Start", "End")
    },
}
NOT_SHOWN = ("Task.SubTasks",)  # tasks that hold others come with the control tasks
TAKEN_AS_REQUIRED = {  # the description leaves these open; without them a request means nothing
    *(f"{deed}TaskInstances.Ids" for deed in ("Rerun", "Stop", "SetSuccess", "Suspend", "Resume")),
    "CreateWorkflowInstances.Tags.Key",
    "UpdateWorkflow.Outputs.TaskOutputs.Output",
    "UpdateWorkflow.Tasks.Outputs.TaskOutputs.Output",
}


def described(fields: dict[str, Any], path: str = "") -> dict[str, bool]:
    """Path of each field: whether it is required."""
    found: dict[str, bool] = {}
    for name, field in fields.items():
        here = f"{path}{name}"
        whole: dict[str, Any] = field if isinstance(field, dict) else {}
        found[here] = whole.get("required", False)
        inside = whole.get("items") if isinstance(whole.get("items"), dict) else whole.get("values")
        inner = whole.get("fields") or (inside or {}).get("fields") if not isinstance(inside, str) else {}
        found |= described(inner or {}, f"{here}.")
    return found


def modelled(model: type[BaseModel], path: str = "") -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, info in model.model_fields.items():
        here = f"{path}{info.alias or name}"
        found[here] = info.is_required()
        kind = _bare(info.annotation)
        if get_origin(kind) in (tuple, dict):
            kind = _bare(get_args(kind)[0 if get_origin(kind) is tuple else 1])
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= modelled(kind, f"{here}.")
    return found


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) in (Annotated, Union, UnionType):
        parts = get_args(annotation)
        annotation = parts[0] if get_origin(annotation) is Annotated else next(p for p in parts if p is not type(None))
    return annotation


OFFICIAL = sorted(set(ACTIONS) - {"CreateWorkflow"})


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_request_has_the_described_parameters(name: str) -> None:
    expected, actual = described(DESCRIBED[name]["request"]), modelled(ACTIONS[name].request)
    assert set(actual) - OURS.get(name, set()) == set(expected)
    required = {path for path, needed in expected.items() if needed}
    ours = {path for path, needed in actual.items() if needed}
    assert {path for path in ours - required if f"{name}.{path}" not in TAKEN_AS_REQUIRED} == set()
    assert required - ours == set()


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_answer_has_the_described_members(name: str) -> None:
    expected = {path for path in described(DESCRIBED[name]["response"]) if not path.startswith(NOT_SHOWN)}
    assert set(modelled(ACTIONS[name].response)) == expected - {"RequestId"}


def test_the_known_operations_are_those_of_the_api() -> None:
    names = {name for listed in DESCRIPTION["names_only"].values() for name in listed}
    assert known_operations() == names | set(DESCRIBED)
