"""A request as it arrived: method, headers, query, body, and the parameters that these carry."""

import json
import re
from binascii import a2b_qp
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from urllib.parse import unquote

from tidemill.domain.errors import Fault, InvalidRequest, PayloadTooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_COMMON = frozenset({
    "Action", "Version", "Format", "Timestamp", "SignatureMethod", "SignatureVersion", "SignatureNonce",
    "SignatureType", "Signature", "AccessKeyId", "SecurityToken", "BearerToken", "RegionId", "SourceIp",
    "SecureTransport", "AcceptLanguage",
})  # fmt: skip
_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 100_000
_LONG = 1_000
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")  # perhaps: a pair of them is fine


class Disconnected(Exception):
    """The client left before its request was whole; nobody waits for an answer."""


@dataclass(frozen=True)
class Incoming:
    """One HTTP request. Header names are lower-case; the values of a repeated one are joined as V3 signs them."""

    method: str
    headers: Mapping[str, str]
    raw_query: str
    body: bytes

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return _fields(self.raw_query, "Query")

    @property
    def _content_type(self) -> str:
        return self.headers.get("content-type", _FORM).split(";")[0].strip().lower()

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form body, whatever the method; none for any other body."""
        if not self.body or self._content_type != _FORM:
            return []
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            raise _unreadable("Body", "form fields in UTF-8 are expected") from None
        return _fields(text, "Body")

    @cached_property
    def json_members(self) -> dict[str, Any]:
        """The top-level members of a JSON body; none for any other body."""
        if self._content_type != "application/json" or not self.body.strip():
            return {}
        try:
            members = json.loads(self.body)
            if _HALF_PAIR.search(self.body):
                json.dumps(members, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise _unreadable("Body", "a JSON object is expected") from None
        if not isinstance(members, dict):
            raise _unreadable("Body", "a JSON object is expected")
        return cast(dict[str, Any], members)

    @property
    def json_texts(self) -> dict[str, str]:
        """The members of a JSON body as V1 signs them: the way Python's `str` writes them."""
        try:
            return {name: str(value) for name, value in self.json_members.items()}
        except RecursionError:
            raise _unreadable("Body", "JSON that is not nested so deep is expected") from None

    @cached_property
    def texts(self) -> dict[str, str]:
        """Query and form together, as V1 signs them: a name in both has the body's value."""
        return {**dict(self.query), **dict(self.form)}

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Query and body together, common parameters included; the body wins."""
        return {**self.texts, **self.json_members}

    @property
    def own_parameters(self) -> dict[str, Any]:
        """The operation's own."""
        return {name: value for name, value in self.parameters.items() if name not in _COMMON}

    def named(self, name: str, header: str) -> str:
        """Action or Version: the parameter, else the header. Raises InvalidRequest if there is neither."""
        value = self.parameters.get(name) or self.headers.get(header)
        if not isinstance(value, str):
            raise InvalidRequest([Fault(name, "is mandatory", missing=True)])
        return value


def _fields(text: str, place: str) -> list[tuple[str, str]]:
    if text.count("&") >= _MAX_FIELDS:
        raise _unreadable(place, f"at most {_MAX_FIELDS} fields are accepted")
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def _decode(text: str) -> str:
    """The text that was percent-encoded; `+` is a blank."""
    text = text.replace("+", " ")
    if len(text) < _LONG:
        return unquote(text)
    data = text.encode()
    if _BROKEN.search(data):
        return unquote(text)
    # `unquote` looks at each escape in Python, which takes long for a whole workflow. Quoted-printable differs only in
    # the sign before the digits, and is decoded in C.
    return a2b_qp(data.replace(b"=", b"%3D").replace(b"%", b"=")).decode(errors="replace")


def _unreadable(place: str, message: str) -> InvalidRequest:
    return InvalidRequest([Fault(place, message)])


async def read(scope: Scope, receive: Receive, limit: int) -> Incoming:
    """Read a whole request, chunked or not. Raises PayloadTooLarge, or Disconnected if the client leaves."""
    headers = _read_headers(scope)
    body = await _read_body(receive, limit)
    announced = headers.get("content-length", "")
    size = max(len(body), int(announced) if _LENGTH.fullmatch(announced) else 0) + len(scope["query_string"])
    if size > limit:
        raise PayloadTooLarge(f"A request of at most {limit} bytes is accepted.")
    return Incoming(scope["method"], headers, _text(scope["query_string"]), body)


async def _read_body(receive: Receive, limit: int) -> bytes:
    """The body, cut after `limit` + 1 bytes.

    Up to `limit` bytes more are read and dropped: a client that still sends when the connection closes may lose the
    answer that says why.
    """
    kept = bytearray()
    dropped = 0
    more = True
    while more and dropped <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        room = limit + 1 - len(kept)
        kept += part[:room]
        dropped += len(part[room:])
        more = message.get("more_body", False)
    return bytes(kept)


def _read_headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(_text(name).lower(), []).append(_text(value).strip())
    return {name: ",".join(sorted(values)) for name, values in headers.items()}


def _text(raw: bytes) -> str:
    """Clients sign what they wrote as UTF-8, though some HTTP libraries then send Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
