"""A gateway over a fresh SQLite file, with actions that only tests need."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import text

from tests.api.client import KEY, NOW, SECRET, AsgiClient
from tidemill.actions.action import Action, by_name
from tidemill.actions.context import Context
from tidemill.actions.instance_models import ListTaskInstancesRequest
from tidemill.actions.perform import Services
from tidemill.actions.shared_models import (
    Ids,
    OptionalBoolean,
    OptionalInteger,
    OptionalText,
    Texts,
)
from tidemill.actions.workflow_models import UpdateWorkflowRequest
from tidemill.api.protocol import Protocol
from tidemill.api.server import create_app
from tidemill.clock import SystemClock
from tidemill.domain.definitions import Integer, Script, Tag, Wire
from tidemill.domain.errors import Forbidden, NotFound, StatusConflict
from tidemill.settings import Settings
from tidemill.store.accounts import ensure_first_start
from tidemill.store.engine import open_database
from tidemill.store.schema import prepare


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
        Action("Echo", EchoRequest, EchoResponse, echo, "read", reads=True),
        Action("GetWorkflow", EchoRequest, EchoResponse, echo, "read", reads=True),
        Action("EchoWrite", EchoRequest, EchoResponse, echo_write, "develop"),
        Action("Fail", FailRequest, Nothing, fail, "develop"),
        Action("UpdateWorkflow", UpdateWorkflowRequest, EchoResponse, echo, "develop"),
        Action("ListTaskInstances", ListTaskInstancesRequest, EchoResponse, echo, "read", reads=True),
        Action("ReadProject", ProjectRequest, Nothing, nothing, "read", reads=True),
        Action("OperateProject", ProjectRequest, Nothing, nothing, "operate"),
    ]
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"data": tmp_path, "access_key_id": KEY, "access_key_secret": SECRET, "max_request": 100_000}
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(settings: Settings, clock: SetClock) -> Iterator[Services]:
    database = open_database(settings.database_url, "OFF")
    with database.write() as db:
        prepare(db)
        ensure_first_start(db, settings, NOW)
    yield Services(database, settings, clock, ACTIONS)
    database.close()


@pytest.fixture
def client(services: Services) -> AsgiClient:
    return AsgiClient(create_app(services))


@pytest.fixture
def server(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a real HTTP server on this gateway, with the system's clock."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(replace(services, clock=SystemClock())),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_level="error",
        server_header=False,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    running.should_exit = True
    thread.join()
    listener.close()
