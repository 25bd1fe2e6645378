"""The gateway: a request goes through `_answer`'s stages in order, and every answer is a JSON object."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from tidemill import __version__
from tidemill.actions.perform import Services, perform
from tidemill.actions.table import ACTIONS
from tidemill.api.authenticate import Authenticator
from tidemill.api.errors import error_body, to_wire
from tidemill.api.request import Incoming, Receive, Scope, Send, read
from tidemill.domain.errors import ActionNotFound, AuthenticationFailed, MethodNotAllowed
from tidemill.store.accounts import Keys

log = logging.getLogger(__name__)

App = Callable[[Scope, Receive, Send], Awaitable[None]]

API_VERSION = "2024-05-18"
_HEADERS = [
    (b"content-type", b"application/json;charset=utf-8"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
    (b"keep-alive", b"timeout=75"),
]
_THREADS = 16


def create_app(services: Services) -> App:
    """The ASGI application over these services."""
    return Gateway(services)


class Gateway:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="action")
        self._authenticator = Authenticator(
            services.database,
            Keys(services.database, services.settings),
            services.settings.clock_skew,
            services.clock.now(),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].rstrip("/").endswith("/health") and scope["method"] in ("GET", "HEAD"):
            await _send(send, 200, {"Status": "ok", "Version": __version__}, str(uuid4()).upper(), scope["method"])
            return
        request_id = str(uuid4()).upper()
        try:
            status, answer = 200, await self._answer(scope, receive, request_id)
        except Exception as error:
            status, answer = self._refusal(scope, error, request_id)
        await _send(send, status, {"RequestId": request_id, **answer}, request_id, scope["method"])

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> dict[str, Any]:
        """Read, authenticate, then authorise, validate and act (in `perform`), and answer."""
        if scope["method"] not in ("GET", "POST"):
            raise MethodNotAllowed("GET or POST is expected.")
        incoming = await read(scope, receive, self._services.settings.max_request)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._act, incoming, request_id)

    def _act(self, incoming: Incoming, request_id: str) -> dict[str, Any]:
        name = incoming.common("Action", "x-acs-action")
        version = incoming.common("Version", "x-acs-version")
        for given, parameter in ((name, "Action"), (version, "Version")):
            if given is None:
                raise AuthenticationFailed(f"Missing{parameter}", f"{parameter} is mandatory for this action.", 400)
        now = self._services.clock.now()
        caller = self._authenticator.caller(incoming, now)
        if version != API_VERSION:
            raise ActionNotFound(f"Specified api is not found: the version served is {API_VERSION}, not {version}.")
        return perform(self._services, caller, name or "", incoming.parameters, now, request_id)

    def _refusal(self, scope: Scope, error: Exception, request_id: str) -> tuple[int, dict[str, Any]]:
        wire = to_wire(error)
        if wire.status >= 500 and wire.code == "InternalError":
            log.error("request %s failed", request_id, exc_info=error)
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
        return wire.status, error_body(wire, host, request_id)


async def _send(send: Send, status: int, answer: dict[str, Any], request_id: str, method: str) -> None:
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode()), (b"x-acs-request-id", request_id.encode())]
    if status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body was not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def served() -> list[str]:
    """The operations that this server has, in order."""
    return sorted(ACTIONS)
