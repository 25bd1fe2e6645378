"""The two signatures of RPC requests: ACS3-HMAC-SHA256 in a header, HMAC-SHA1 in a parameter.

`claim` reads who says to have signed, and when, without a secret; `Claim.check` compares. Both are pure.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tidemill.api.request import Incoming
from tidemill.domain.errors import AuthenticationFailed, Fault, InvalidRequest

_V3 = "ACS3-HMAC-SHA256"
_V1 = "HMAC-SHA1"
_MUST_SIGN = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")
_CLAIMED = ("AccessKeyId", "Timestamp", "SignatureNonce", "SecurityToken")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_LONG = 1_000
_SHOWN = 64 * 1024  # characters of a string to sign that a message shows


@dataclass(frozen=True, slots=True)
class Claim:
    """Who says to have signed: key, moment (epoch ms), nonce; `check(secret)` raises if that secret did not sign."""

    access_key_id: str
    time: int
    nonce: str
    security_token: str
    check: Callable[[str], None]


def claim(incoming: Incoming) -> Claim:
    """The signature that a request carries. Raises for a request without one, or with one that cannot be read."""
    authorization = incoming.headers.get("authorization", "")
    if incoming.is_v3:
        return _claim_v3(incoming, authorization)
    if "Signature" in incoming.texts:
        return _claim_v1(incoming)
    if authorization:
        raise AuthenticationFailed("IncompleteSignature", f"Authorization is to begin with {_V3}.")
    if {"x-acs-bearer-token", "x-acs-zero-trust-idtoken"} & incoming.headers.keys() or "BearerToken" in incoming.texts:
        raise AuthenticationFailed("InvalidSignatureMethod", "Tokens are not accepted here: sign with an access key.")
    raise missing("Signature" if "AccessKeyId" in incoming.texts else "AccessKeyId")


def missing(name: str) -> InvalidRequest:
    return InvalidRequest([Fault(name, "is mandatory", missing=True)])


def encode(text: str) -> str:
    """Percent-encoding of RFC 3986 over UTF-8: only ASCII letters, digits and `-_.~` stay."""
    if len(text) < _LONG:
        return quote(text, safe="-_.~")
    # `quote` looks at each byte in Python; a whole workflow in one field is long, but has few different bytes.
    data = text.encode()
    for byte in sorted(set(data) - _UNRESERVED, key=lambda byte: byte != 0x25):  # `%` first: the others add more
        data = data.replace(bytes([byte]), b"%%%02X" % byte)
    return data.decode()


def _claim_v3(incoming: Incoming, authorization: str) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != _V3:
        raise AuthenticationFailed(
            "InvalidSignatureMethod", f"Specified signature method is not valid: {_V3} is expected."
        )
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    signed = fields.get("SignedHeaders", "").split(";")
    if not (fields.get("Credential") and fields.get("Signature") and signed != [""]):
        raise _incomplete("Authorization is to hold Credential, SignedHeaders and Signature.")
    absent = [name for name in _MUST_SIGN if name not in incoming.headers]
    if absent:
        raise _incomplete(f"Missing headers: {', '.join(absent)}.")
    unsigned = [name for name in _MUST_SIGN if name not in signed]
    if unsigned:
        raise _incomplete(f"Headers to be signed as well: {', '.join(unsigned)}.")
    return Claim(
        access_key_id=fields["Credential"],
        time=_moment(incoming.headers["x-acs-date"]),
        nonce=incoming.headers["x-acs-signature-nonce"],
        security_token=incoming.headers.get("x-acs-security-token", ""),
        check=lambda secret: _check_v3(incoming, signed, fields["Signature"], secret),
    )


def _incomplete(what: str) -> AuthenticationFailed:
    # The colon matters: an old Python client looks for it in this message and breaks without.
    return AuthenticationFailed(
        "IncompleteSignature", f"The request signature does not conform to Aliyun standards: {what}"
    )


def _check_v3(incoming: Incoming, signed: list[str], signature: str, secret: str) -> None:
    body_hash = hashlib.sha256(incoming.body).hexdigest()
    request = canonical_request(incoming, signed, body_hash)
    to_sign = f"{_V3}\n{hashlib.sha256(request.encode()).hexdigest()}"
    expected = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    if not (_same(body_hash, incoming.headers["x-acs-content-sha256"]) and _same(expected, signature)):
        raise AuthenticationFailed(
            "SignatureDoesNotMatch",
            f"Specified signature does not match our calculation. server string to sign is:{to_sign[:_SHOWN]}",
        )


def canonical_request(incoming: Incoming, signed: list[str], body_hash: str) -> str:
    """What V3 hashes. The path is `/` whatever prefix the endpoint has; `signed` are the header names that count."""
    query = "&".join(f"{name}={encode(value)}" for name, value in sorted(incoming.query))
    headers = "".join(f"{name}:{incoming.headers.get(name, '')}\n" for name in signed)
    return "\n".join([incoming.method, "/", query, headers, ";".join(signed), body_hash])


def _claim_v1(incoming: Incoming) -> Claim:
    texts = incoming.texts
    for name in ("AccessKeyId", "Timestamp", "SignatureNonce"):
        if not texts.get(name):
            raise missing(name)
    if texts.get("SignatureMethod", _V1) != _V1:
        raise AuthenticationFailed(
            "InvalidSignatureMethod", f"Specified signature method is not valid: {_V1} is expected."
        )
    return Claim(
        access_key_id=texts["AccessKeyId"],
        time=_moment(texts["Timestamp"]),
        nonce=texts["SignatureNonce"],
        security_token=texts.get("SecurityToken", ""),
        check=lambda secret: _check_v1(incoming, texts["Signature"], secret),
    )


def _check_v1(incoming: Incoming, signature: str, secret: str) -> None:
    to_sign = string_to_sign_v1(incoming)
    digest = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    given = signature.replace(" ", "+")  # of a caller that did not encode `+`
    if not _same(base64.b64encode(digest).decode(), given):
        raise AuthenticationFailed(
            "SignatureDoesNotMatch",
            f"Specified signature is not matched with our calculation. server string to sign is:{to_sign[:_SHOWN]}",
        )
    # The claim was read from query and form, but the signature covers a JSON member in place of what these say.
    members = incoming.json_members
    for name in _CLAIMED:
        if name in members and members[name] != incoming.texts.get(name):
            raise InvalidRequest([Fault(name, "the same is expected in the query and in the body")])


def string_to_sign_v1(incoming: Incoming) -> str:
    """Query and form fields together, or query and JSON members; a name in both counts once, with the body's value."""
    values = {**incoming.texts, **incoming.json_texts}
    values.pop("Signature", None)
    canonical = "&".join(f"{encode(name)}={encode(values[name])}" for name in sorted(values))
    return f"{incoming.method}&%2F&{encode(canonical)}"


def _same(expected: str, given: str) -> bool:
    """Compared in a time that does not depend on where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _moment(text: str) -> int:
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError
        return int(datetime.fromisoformat(text).timestamp()) * 1000
    except ValueError:
        raise AuthenticationFailed(
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted: yyyy-MM-ddTHH:mm:ssZ is expected.",
        ) from None
