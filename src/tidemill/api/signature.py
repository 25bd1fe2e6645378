"""The two signatures of the RPC gateway: ACS3-HMAC-SHA256 in a header, HMAC-SHA1 in a parameter (wire protocol 5, 6).

`claim` reads who signed and when, without a secret; `Claim.check` compares. Pure: time and secret are arguments.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tidemill.api.request import Incoming
from tidemill.domain.errors import AuthenticationFailed

_V3 = "ACS3-HMAC-SHA256"
_V1 = "HMAC-SHA1"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MUST_SIGN = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who says to have signed: key, moment (epoch ms) and nonce; `check(secret)` raises if the signature is another."""

    access_key_id: str
    time: int
    nonce: str
    security_token: str | None
    check: Callable[[str], None]


def fail(code: str, message: str, status: int = 400) -> AuthenticationFailed:
    return AuthenticationFailed(code, message, status)


def _missing(name: str) -> AuthenticationFailed:
    return fail(f"Missing{name}", f"{name} is mandatory for this action.")


def encode(text: str) -> str:
    """Percent-encoding of RFC 3986: only letters, digits and `-_.~` stay."""
    return quote(text, safe="-_.~")


def claim(incoming: Incoming) -> Claim:
    """The signature that a request carries. Raises AuthenticationFailed for none, or for one that cannot be read."""
    authorization = incoming.headers.get("authorization", "")
    if authorization.startswith("ACS3-"):
        return _claim_v3(incoming, authorization)
    if "Signature" in incoming.texts:
        return _claim_v1(incoming)
    if "x-acs-bearer-token" in incoming.headers or "BearerToken" in incoming.texts:
        raise fail("InvalidSignatureMethod", "Bearer tokens are not accepted; sign with an access key.")
    if "AccessKeyId" in incoming.texts:
        raise _missing("Signature")
    raise _missing("AccessKeyId")


def _claim_v3(incoming: Incoming, authorization: str) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != _V3:
        raise fail("InvalidSignatureMethod", f"Specified signature method is not valid. {_V3} is expected.")
    pairs = [part.strip().partition("=") for part in rest.split(",")]
    fields = {name: value for name, _, value in pairs}
    if not {"Credential", "SignedHeaders", "Signature"} <= set(fields):
        raise fail("IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    signed = fields["SignedHeaders"].split(";")
    absent = [name for name in _MUST_SIGN if name not in signed or name not in incoming.headers]
    if absent:
        raise fail(
            "IncompleteSignature",
            f"The request signature does not conform to Aliyun standards. These headers must be signed: {absent}",
        )

    def check(secret: str) -> None:
        body_hash = hashlib.sha256(incoming.body).hexdigest()
        request = _canonical_v3(incoming, signed, body_hash)
        to_sign = f"{_V3}\n{hashlib.sha256(request.encode()).hexdigest()}"
        expected = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        same_body = _same(body_hash, incoming.headers["x-acs-content-sha256"])
        if not same_body or not _same(expected, fields["Signature"]):
            raise fail(
                "SignatureDoesNotMatch",
                "Specified signature does not match our calculation. server string to sign is:" + to_sign,
            )

    return Claim(
        access_key_id=fields["Credential"],
        time=_moment(incoming.headers["x-acs-date"]),
        nonce=incoming.headers["x-acs-signature-nonce"],
        security_token=incoming.headers.get("x-acs-security-token"),
        check=check,
    )


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _canonical_v3(incoming: Incoming, signed: list[str], body_hash: str) -> str:
    query = "&".join(f"{name}={encode(value)}" for name, value in sorted(incoming.query))
    headers = "".join(f"{name}:{incoming.headers.get(name, '').strip()}\n" for name in signed)
    return "\n".join([incoming.method, "/", query, headers, ";".join(signed), body_hash])


def _claim_v1(incoming: Incoming) -> Claim:
    texts = incoming.texts
    for name in ("AccessKeyId", "Timestamp", "SignatureNonce"):
        if not texts.get(name):
            raise _missing(name)
    if texts.get("SignatureMethod", _V1) != _V1:
        raise fail("InvalidSignatureMethod", f"Specified signature method is not valid. {_V1} is expected.")

    def check(secret: str) -> None:
        to_sign = _string_to_sign_v1(incoming)
        digest = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
        given = texts["Signature"].replace(" ", "+")  # a caller that did not encode `+`
        if not _same(base64.b64encode(digest).decode(), given):
            raise fail(
                "SignatureDoesNotMatch",
                "Specified signature is not matched with our calculation. server string to sign is:" + to_sign,
            )

    return Claim(
        access_key_id=texts["AccessKeyId"],
        time=_moment(texts["Timestamp"]),
        nonce=texts["SignatureNonce"],
        security_token=texts.get("SecurityToken"),
        check=check,
    )


def _string_to_sign_v1(incoming: Incoming) -> str:
    """Query and form fields together; of a JSON body the top-level members, as Python writes them."""
    values = {**incoming.texts, **{name: str(value) for name, value in incoming.json_members.items()}}
    values.pop("Signature", None)
    canonical = "&".join(f"{encode(name)}={encode(values[name])}" for name in sorted(values))
    return f"{incoming.method}&%2F&{encode(canonical)}"


def _moment(text: str) -> int:
    try:
        return int(datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise fail(
            "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted: yyyy-MM-ddTHH:mm:ssZ."
        ) from None
