"""A request as it arrived: its bytes, its headers, and the parameters in query and body (wire protocol 2 to 4)."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from tidemill.domain.errors import Fault, InvalidRequest, PayloadTooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_COMMON = frozenset({
    "Action", "Version", "Format", "Timestamp", "SignatureMethod", "SignatureVersion", "SignatureNonce",
    "SignatureType", "Signature", "AccessKeyId", "SecurityToken", "BearerToken", "RegionId", "SourceIp",
    "SecureTransport", "AcceptLanguage",
})  # fmt: skip
_FLAT = re.compile(r"\w+(?:\.\w+)+")
_MAX_DEPTH = 32  # of flat names; JSON has the parser's own limit


@dataclass(frozen=True)
class Incoming:
    """One HTTP request. `headers` are lower-case; of a repeated one the values are joined as V3 signs them."""

    method: str
    headers: Mapping[str, str]
    raw_query: str
    body: bytes

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @cached_property
    def is_form(self) -> bool:
        return self._content_type in ("", "application/x-www-form-urlencoded")

    @property
    def _content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        if not self.is_form or not self.body:
            return []
        try:
            return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True)
        except ValueError:
            raise InvalidRequest([Fault("Body", "form fields in UTF-8 are expected")]) from None

    @cached_property
    def json_members(self) -> dict[str, Any]:
        """The top-level members of a JSON body; {} for any other body."""
        if self._content_type != "application/json" or not self.body.strip():
            return {}
        try:
            members = json.loads(self.body)
        except (ValueError, RecursionError):
            raise InvalidRequest([Fault("Body", "a JSON object is expected")]) from None
        if not isinstance(members, dict):
            raise InvalidRequest([Fault("Body", "a JSON object is expected")])
        return members  # pyright: ignore[reportUnknownVariableType]

    @cached_property
    def texts(self) -> dict[str, str]:
        """Query and form together, as V1 signs them: a name in both has the body's value."""
        return {**dict(self.query), **dict(self.form)}

    @cached_property
    def all(self) -> dict[str, Any]:
        """Every parameter, common ones included; the body wins."""
        return {**self.texts, **self.json_members}

    def common(self, name: str, header: str) -> str | None:
        """Action or Version: the parameter, else the header."""
        value = self.all.get(name) or self.headers.get(header)
        return str(value) if value else None

    @property
    def parameters(self) -> dict[str, Any]:
        """The operation's own parameters, flat names put together into lists and objects."""
        own = {name: value for name, value in self.all.items() if name not in _COMMON}
        flat = {name: value for name, value in own.items() if _FLAT.fullmatch(name)}
        plain = {name: value for name, value in own.items() if name not in flat}
        return {**unflatten(flat), **plain}


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`Tags.1.Key=a` as {"Tags": [{"Key": "a"}]}: numbers order a list, gaps are ignored."""
    tree = _Node()
    for name, value in flat.items():
        parts = name.split(".")
        if len(parts) > _MAX_DEPTH:
            raise InvalidRequest([Fault(parts[0], f"nested at most {_MAX_DEPTH} deep")])
        node = tree
        for part in parts[:-1]:
            child: _Node = node.members.setdefault(part, _Node())
            node = child
        node.members.setdefault(parts[-1], _Node()).value = value
    return {name: node.put_together(name) for name, node in tree.members.items()}


@dataclass(slots=True)
class _Node:
    """A place in the tree of flat names: a value, or members."""

    value: Any = None
    members: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])

    def put_together(self, parameter: str) -> Any:
        if not self.members:
            return self.value
        if self.value is not None:
            raise InvalidRequest([Fault(parameter, "either a value or an object is expected, not both")])
        if all(key.isdigit() for key in self.members):
            return [self.members[key].put_together(parameter) for key in sorted(self.members, key=int)]
        return {key: node.put_together(parameter) for key, node in self.members.items()}


async def read(scope: Scope, receive: Receive, limit: int) -> Incoming:
    """Read the whole request, chunked or not. Raises PayloadTooLarge as soon as it is known to be."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        headers[name] = ",".join(sorted([headers[name], value])) if name in headers else value
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise PayloadTooLarge(f"a request of at most {limit} bytes is accepted")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise PayloadTooLarge(f"a request of at most {limit} bytes is accepted")
    return Incoming(scope["method"], headers, scope["query_string"].decode("latin-1"), bytes(body))
