"""Actions that only tests need, and a clock that is set."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from tests.api.client import NOW
from tidemill.actions.context import Context
from tidemill.actions.instance_models import ListTaskInstancesRequest
from tidemill.actions.shared_models import Ids, OptionalBoolean, OptionalInteger, OptionalText, Texts
from tidemill.actions.table import Action, by_name
from tidemill.actions.workflow_models import UpdateWorkflowRequest
from tidemill.domain.definitions import Integer, Script, Tag, Wire
from tidemill.domain.errors import Forbidden, NotFound, StatusConflict


@dataclass
class SetClock:
    time: int = NOW

    def now(self) -> int:
        return self.time


class EchoRequest(Wire):
    id: OptionalInteger = None
    name: OptionalText = None
    flag: OptionalBoolean = None
    ids: Ids = ()
    types: Texts = ()
    tags: tuple[Tag, ...] | None = None
    script: Script | None = None
    comment: OptionalText = None


class EchoResponse(Wire):
    echo: dict[str, Any]


class FailRequest(Wire):
    how: str


class ProjectRequest(Wire):
    project_id: Integer


class Nothing(Wire):
    pass


def echo(context: Context, request: Wire) -> EchoResponse:
    return EchoResponse(echo=request.model_dump(mode="json", by_alias=True, exclude_none=True))


def echo_write(context: Context, request: EchoRequest) -> EchoResponse:
    context.db.execute(text("UPDATE project SET description = :name"), {"name": request.name})
    return echo(context, request)


def fail(context: Context, request: FailRequest) -> Nothing:
    context.db.execute(text("UPDATE project SET description = 'half done'"))
    match request.how:
        case "not found":
            raise NotFound("Workflow", "The workflow 7 does not exist.")
        case "conflict":
            raise StatusConflict("The instance 7 is Running.")
        case "forbidden":
            raise Forbidden("Fail", "You may not.")
        case _:
            raise RuntimeError("insides with a secret")


def nothing(context: Context, request: Wire) -> Nothing:
    return Nothing()


ACTIONS = by_name(
    [
        Action("Echo", EchoRequest, EchoResponse, echo, "read"),
        Action("GetWorkflow", EchoRequest, EchoResponse, echo, "read"),
        Action("EchoWrite", EchoRequest, EchoResponse, echo_write, "develop"),
        Action("Fail", FailRequest, Nothing, fail, "develop"),
        Action("UpdateWorkflow", UpdateWorkflowRequest, EchoResponse, echo, "develop"),
        Action("ListTaskInstances", ListTaskInstancesRequest, EchoResponse, echo, "read"),
        Action("ReadProject", ProjectRequest, Nothing, nothing, "read"),
        Action("OperateProject", ProjectRequest, Nothing, nothing, "operate"),
    ]
)
