"""A client that signs by the written rules, apart from the server's code, and speaks ASGI or HTTP."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

KEY, SECRET = "LTAIFAKEACCESSKEY01", "FakeSecretForTests0123456789ab"
HOST = "127.0.0.1:18080"
FORM = "application/x-www-form-urlencoded"
NOW = int(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp() * 1000)

_nonces = count()


def timestamp(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def enc(text: str) -> str:
    return quote(text, safe="-_.~")


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["Code"]


@dataclass
class Wanted:
    """A request to be signed; what is changed after signing is up to the test."""

    action: str = "Echo"
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = FORM
    method: str = "POST"
    version: str = "2024-05-18"
    key: str = KEY
    secret: str = SECRET
    now: int = NOW
    nonce: str = ""

    @property
    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        return urlencode(self.form).encode() if self.form is not None else b""


@dataclass
class Signed:
    method: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes


def v3(wanted: Wanted) -> Signed:
    body = wanted.content
    digest = hashlib.sha256(body).hexdigest()
    headers = {
        "host": HOST,
        "x-acs-action": wanted.action,
        "x-acs-version": wanted.version,
        "x-acs-date": timestamp(wanted.now),
        "x-acs-signature-nonce": wanted.nonce or f"nonce-{next(_nonces)}",
        "x-acs-content-sha256": digest,
    }
    if body or wanted.form is not None:
        headers["content-type"] = wanted.content_type
    names = sorted(headers)
    query = "&".join(f"{name}={enc(wanted.query[name])}" for name in sorted(wanted.query))
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = "\n".join([wanted.method, "/", query, lines, ";".join(names), digest])
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(wanted.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={wanted.key},SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return Signed(wanted.method, urlencode(wanted.query), list(headers.items()), body)


def v1(wanted: Wanted) -> Signed:
    common = {
        "Action": wanted.action,
        "Version": wanted.version,
        "Format": "JSON",
        "AccessKeyId": wanted.key,
        "Timestamp": timestamp(wanted.now),
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": wanted.nonce or f"nonce-{next(_nonces)}",
    }
    query = {**common, **wanted.query}
    every = {**query, **(wanted.form or {})}
    canonical = "&".join(f"{enc(name)}={enc(every[name])}" for name in sorted(every))
    to_sign = f"{wanted.method}&%2F&{enc(canonical)}"
    digest = hmac.new(f"{wanted.secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    query["Signature"] = base64.b64encode(digest).decode()
    return Signed(wanted.method, urlencode(query), [("Host", HOST), ("Content-Type", FORM)], wanted.content)


class AsgiClient:
    """Sends requests into an ASGI application, the body in as many parts as asked."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def send(self, signed: Signed, *, path: str = "/", parts: int = 1) -> Reply:
        return self.raw(signed.method, path, signed.query, signed.headers, signed.body, parts)

    def call(self, action: str = "Echo", /, **form: str) -> Reply:
        return self.send(v3(Wanted(action, form=form)))

    def raw(
        self,
        method: str,
        path: str = "/",
        query: str = "",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        parts: int = 1,
    ) -> Reply:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "scheme": "http",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
        return asyncio.run(self._raw(scope, body, parts))

    async def _raw(self, scope: dict[str, Any], body: bytes, parts: int) -> Reply:
        size = -(-len(body) // parts) or 1
        messages = [
            {"type": "http.request", "body": body[start : start + size], "more_body": True}
            for start in range(0, len(body), size)
        ]
        messages.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], head, b"".join(message["body"] for message in sent[1:]))
