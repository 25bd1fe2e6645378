"""The gateway in this process, without a socket, and a caller who signs."""

import asyncio
import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
import uvicorn
from pydantic import SecretStr

from tests.api import client
from tests.api.echo import ACTIONS, SetClock
from tidemill.actions.perform import Services
from tidemill.api.connections import Connections
from tidemill.api.protocol import not_of_a_client_that_left, protocol_with
from tidemill.api.server import create_app
from tidemill.clock import SystemClock
from tidemill.runners.shared_logs import Logs
from tidemill.settings import Settings
from tidemill.store.accounts import ensure_first_start
from tidemill.store.engine import Database, open_database
from tidemill.store.schema import prepare

KEY, SECRET = "LTAItest", "test-secret"
START = 1_762_128_000_000


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time


class Api:
    """Calls the gateway as an ASGI application; `call` signs as V3 unless told otherwise."""

    def __init__(self, database: Database, data: Path, **settings: Any) -> None:
        self.database = database
        self.clock = TestClock()
        self.settings = Settings(
            data=data, access_key_id=KEY, access_key_secret=SecretStr(SECRET), secret_key=SecretStr("k"), **settings
        )
        with database.write() as db:
            prepare(db)
            ensure_first_start(db, self.settings, self.clock.now())
        self.app = create_app(Services(database, self.settings, self.clock, logs=Logs(self.settings.data, "fake")))

    def send(
        self, method: str, query: str = "", headers: dict[str, str] | None = None, body: bytes | list[bytes] = b"",
        path: str = "/",
    ) -> tuple[int, dict[str, Any], dict[str, str]]:  # fmt: skip
        parts = body if isinstance(body, list) else [body]
        messages = [
            {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)}
            for index, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        }  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        answer = json.loads(sent[1]["body"])
        assert "Status" in answer or answer["RequestId"] == answered["x-acs-request-id"]
        return sent[0]["status"], answer, answered

    def signed(
        self, action: str, body: bytes, query: dict[str, str], method: str, content_type: str, **changes: str
    ) -> dict[str, str]:
        """V3 headers; `changes` replace headers before signing."""
        date = datetime.fromtimestamp(self.clock.now() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {
            "host": "tidemill.test", "x-acs-action": action, "x-acs-version": "2024-05-18", "x-acs-date": date,
            "x-acs-signature-nonce": uuid4().hex, "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"content-type": content_type} if body else {}),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }  # fmt: skip
        names = sorted(headers)
        canonical_query = "&".join(f"{name}={quote(query[name], safe='-_.~')}" for name in sorted(query))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
        request = "\n".join([method, "/", canonical_query, lines, ";".join(names), headers["x-acs-content-sha256"]])
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={KEY},SignedHeaders={';'.join(names)},Signature={signature}"
        )
        return headers

    def call(
        self, action: str, *, method: str = "POST", query: dict[str, str] | None = None, as_json: bool = False,
        path: str = "/", chunks: int = 1, changes: dict[str, str] | None = None, **parameters: Any,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """Call an action as an SDK does: objects and lists as JSON text in a form, or all as a JSON body."""
        query = query or {}
        if as_json:
            body, kind = json.dumps(parameters).encode(), "application/json; charset=utf-8"
        else:
            fields = {
                name: json.dumps(value) if isinstance(value, dict | list | tuple) else str(value)
                for name, value in parameters.items()
            }
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        headers = self.signed(action, body, query, method, kind, **(changes or {}))
        size = max(1, -(-len(body) // chunks))
        pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        status, answer, _ = self.send(method, urlencode(query), headers, pieces, path)
        return status, answer


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Api:
    return Api(database, tmp_path)


@pytest.fixture
def sqlite_api(tmp_path: Path) -> Iterator[Api]:
    """For what has nothing to do with the database."""
    database = open_database(f"sqlite:///{tmp_path / 'test.db'}", synchronous="OFF")
    yield Api(database, tmp_path, max_request=200_000)
    database.close()


# --- the gateway over the actions of `echo` -----------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"data": tmp_path, "access_key_id": client.KEY, "access_key_secret": client.SECRET, "max_request": 100_000}
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(settings: Settings, clock: SetClock) -> Iterator[Services]:
    database = open_database(settings.database_url, "OFF")
    with database.write() as db:
        prepare(db)
        ensure_first_start(db, settings, client.NOW)
    yield Services(database, settings, clock, ACTIONS, logs=Logs(settings.data, "fake"))
    database.close()


@pytest.fixture(name="client")
def client_of_the_test_actions(services: Services) -> client.AsgiClient:
    return client.AsgiClient(create_app(services))


@pytest.fixture
def limits() -> Connections:
    """Of the real server; a module may give others."""
    return Connections()


@pytest.fixture
def server(services: Services, limits: Connections, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a real HTTP server on this gateway, with the system's clock."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(replace(services, clock=SystemClock())),
        loop="uvloop",
        http=protocol_with(limits),
        ws="none",
        lifespan="off",
        log_level="error",
        server_header=False,
    )
    running = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(not_of_a_client_that_left)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    running.should_exit = True
    thread.join()
    listener.close()
