"""The gateway: a request goes through the stages of `_answer`, and every answer is a JSON object."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tidemill import __version__
from tidemill.actions.caller import Caller
from tidemill.actions.perform import Services, find_action, new_request_id, perform
from tidemill.api.authenticate import Authenticator
from tidemill.api.complaints import Complaints
from tidemill.api.errors import to_wire
from tidemill.api.request import Disconnected, Incoming, Receive, Scope, Send, read, size_to_come
from tidemill.api.room import Room
from tidemill.domain.errors import ActionNotFound, Forbidden, MethodNotAllowed
from tidemill.runners.shared_logs import SHARED_LOGS
from tidemill.store.absence import Busy
from tidemill.store.accounts import Keys
from tidemill.store.engine import Turn

T = TypeVar("T")

App = Callable[[Scope, Receive, Send], Awaitable[None]]

API_VERSION = "2024-05-18"
_ACTION = ("Action", "x-acs-action")  # as a parameter, as a header
_VERSION = ("Version", "x-acs-version")
_READERS = 4
_WRITERS = 4
_LARGE = 2**20  # bytes: taking such a request apart holds up others, so they go one by one
_LOOK = 1.0  # seconds between looks at whether the database is away
_JSON = (b"content-type", b"application/json;charset=utf-8")
_FOR_ALL = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")]


def create_app(services: Services) -> App:
    """The ASGI application: every path is the API, except `/health` and `/shared-logs/`."""
    return Gateway(services)


class Gateway:
    """Answers are JSON also where `Format=XML` was asked for: no client of the API needs XML."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._authenticator = Authenticator(
            services.database, Keys(services.database, settings), settings.clock_skew, services.clock.now()
        )
        # Apart, because writers wait for each other: a reader is not to wait behind them.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="read")
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="write")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large")
        self._room = Room(max(settings.max_reading, settings.max_request), settings.request_timeout)
        self._complaints = Complaints()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
            await _send(scope, send, 200, _health(self._services), new_request_id())
            return
        if scope["path"].startswith(SHARED_LOGS) and scope["method"] == "GET":
            await self._send_log(scope, send)
            return
        request_id = new_request_id()
        try:
            body = await self._answer(scope, receive, request_id)
            await _send(scope, send, 200, body, request_id)
        except Disconnected:
            return
        except Exception as error:
            await self._refuse(scope, send, error, request_id)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> bytes:
        """Read, authenticate; then, in a thread, validate, authorise and act (all in `perform`); answer."""
        if scope["method"] not in ("GET", "POST"):
            raise MethodNotAllowed(f"GET or POST is expected, not {scope['method']}.")
        limit = self._services.settings.max_request
        size = size_to_come(scope, limit)
        async with self._room.hold(size):
            incoming = await self._room.read(size, read(scope, receive, limit))
            turn = Turn(self._services.settings.write_timeout)
            large = self._large if incoming.size > _LARGE else None
            known = await self._run(large or self._readers, turn, self._authenticate, incoming, request_id)
            if isinstance(known, bytes):
                return known
            return await self._run(large or self._writers, turn, self._perform, incoming, *known, request_id, turn)

    async def _run(self, pool: ThreadPoolExecutor, turn: Turn, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a thread; give up, with Busy, when the database is away and its `turn` has passed.

        A PostgreSQL that was stopped in the middle of a statement does not answer, and no client library ends that. The
        thread ends with the absence, and what it wrote is rolled back.
        """
        called = asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
        if self._services.database.is_sqlite:
            return await called
        try:
            while not (await asyncio.wait({called}, timeout=_LOOK))[0]:
                if not turn.left and self._services.health().get("Database") == "away":
                    turn.given_up = True
                    called.cancel()
                    called.add_done_callback(_drop)
                    raise Busy("the database is away")
            return called.result()
        finally:
            del called  # its exception knows this frame: together they would keep the request until the next collection

    async def _send_log(self, scope: Scope, send: Send) -> None:
        """For the other servers on this database, which prove by a token that they share its key."""
        token = scope["path"].removeprefix(SHARED_LOGS)
        try:
            text = await asyncio.get_running_loop().run_in_executor(self._readers, self._services.logs.own, token)
        except PermissionError as error:
            await self._refuse(scope, send, Forbidden("logs", str(error)), new_request_id())
        else:
            await _send(scope, send, 200, json.dumps({"Log": text}).encode(), new_request_id())

    async def _refuse(self, scope: Scope, send: Send, error: Exception, request_id: str) -> None:
        wire = to_wire(error)
        if wire.is_ours:
            self._complaints.log(request_id, error, passing=wire.status == 503)
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
        headers = wire.headers
        if wire.status == 413:
            headers.append((b"connection", b"close"))  # the rest of the body may never have been read
        body = wire.body(host, scope.get("scheme", "http"), request_id)
        await _send(scope, send, wire.status, body, request_id, headers)

    def _authenticate(self, incoming: Incoming, request_id: str) -> bytes | tuple[Caller, str, int]:
        """The answer of a reading action; of a writing one its caller, name and moment, to go on with elsewhere."""
        for parameter, header in (_ACTION, _VERSION):
            incoming.require(parameter, header)
        now = self._services.clock.now()
        caller = self._authenticator.caller(incoming, now)
        name, version = incoming.named(*_ACTION), incoming.named(*_VERSION)
        if version != API_VERSION:
            raise ActionNotFound(f"Specified api is not found: version {API_VERSION} is served here.")
        if find_action(self._services, name).reads:
            return self._perform(incoming, caller, name, now, request_id)
        return caller, name, now

    def _perform(
        self, incoming: Incoming, caller: Caller, name: str, now: int, request_id: str, turn: Turn | None = None
    ) -> bytes:
        parameters = incoming.own_parameters
        if turn is not None and incoming.size > _LARGE:
            turn.begin()  # it has waited for other large ones
        response = perform(self._services, caller, name, parameters, now, request_id, turn)
        members = response.model_dump_json(by_alias=True, exclude_none=True)
        start = f'{{"RequestId":"{request_id}"'
        return f"{start}}}".encode() if members == "{}" else f"{start},{members[1:]}".encode()


def _health(services: Services) -> bytes:
    return json.dumps({"Status": "ok", "Version": __version__, **services.health()}).encode()


def _drop(called: asyncio.Future[Any]) -> None:
    """Look at the outcome that nobody waits for, so that asyncio does not complain of it."""
    if not called.cancelled():
        called.exception()


async def _send(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    request_id: str,
    more_headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    length = (b"content-length", str(len(body)).encode())
    id = (b"x-acs-request-id", request_id.encode())
    headers = [_JSON, length, id, *_FOR_ALL, *(more_headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
