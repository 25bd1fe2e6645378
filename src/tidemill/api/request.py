"""A request as it arrived: method, headers, query, body, and the parameters that these carry."""

import json
import re
from binascii import a2b_qp
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from urllib.parse import unquote

from tidemill.actions import json_text
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

    @property
    def size(self) -> int:
        """Bytes that are to be taken apart."""
        return len(self.raw_query) + len(self.body)

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
            members = json_text.load(self.body.decode("utf-8-sig"))
            if _HALF_PAIR.search(self.body):
                json.dumps(members, ensure_ascii=False).encode()
        except UnicodeError:
            raise _unreadable("Body", "JSON in UTF-8, without halves of surrogate pairs, is expected") from None
        except (ValueError, RecursionError) as error:
            raise _unreadable("Body", str(error)) from None
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

    @property
    def is_v3(self) -> bool:
        """Whether the header has the signature, V3's, which covers query, headers and body; V1's covers no headers."""
        return self.headers.get("authorization", "").startswith("ACS3-")

    def require(self, name: str, header: str) -> None:
        """Raises InvalidRequest where Action or Version is nowhere. Takes no body apart that is to be checked first."""
        fields = dict(self.query) if self.is_v3 else self.texts
        unread = self.body if self.is_v3 or self._content_type == "application/json" else b""
        if not (fields.get(name) or self.headers.get(header) or unread):
            raise _missing(name)

    def named(self, name: str, header: str) -> str:
        """Action or Version, of a request whose signature was checked: what that covers comes first.

        V1 covers the parameters; what its clients put into a header is theirs (pop-core: the name as its user wrote
        it), and counts only where they say it nowhere else.
        """
        value: object = dict(self.query).get(name) or self.headers.get(header) if self.is_v3 else None
        value = value or self.parameters.get(name) or self.headers.get(header)
        if not isinstance(value, str):
            raise _missing(name)
        return value


def _missing(name: str) -> InvalidRequest:
    return InvalidRequest([Fault(name, "is mandatory", missing=True)])


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
    room = limit - len(scope["query_string"])
    announced = _announced(headers.get("content-length", ""))
    if announced > room and headers.get("expect", "").lower() == "100-continue":
        raise _too_large(limit)  # a client that asks first
    body = await _read_body(receive, limit, -1 if announced > room else room)
    if body is None:
        raise _too_large(limit)
    return Incoming(scope["method"], headers, _text(scope["query_string"]), body)


def size_to_come(scope: Scope, limit: int) -> int:
    """At most how many bytes of body `read` is going to keep."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return limit
    size = _announced(headers.get(b"content-length", b"").decode("latin-1"))
    return size if size <= limit else 0


def _announced(length: str) -> int:
    """What Content-Length says, in bytes; 0 if it says nothing."""
    return int(length) if _LENGTH.fullmatch(length) else 0


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"A request of at most {limit} bytes is accepted.")


async def _read_body(receive: Receive, limit: int, room: int) -> bytes | None:
    """The body; None if it has more than `room` bytes (of -1 none is kept).

    Of one that has, up to `limit` bytes more are read and dropped: a client that still sends when the connection
    closes may lose the answer that says why.
    """
    kept: list[bytes] = []
    size = 0
    while size <= room + limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= room:
            kept.append(part)
        else:
            kept.clear()
        if not message.get("more_body", False):
            break
    return b"".join(kept) if size <= room else None


def _read_headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; the values of a repeated one are joined as V3 signs them."""
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
