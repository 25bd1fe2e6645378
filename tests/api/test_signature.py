"""Both signatures, against requests captured from the official clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import NOW
from tidemill.actions.perform import Services
from tidemill.api.authenticate import Authenticator
from tidemill.api.errors import to_wire
from tidemill.api.request import Incoming
from tidemill.api.signature import canonical_request, claim, encode, string_to_sign_v1
from tidemill.domain.errors import AuthenticationFailed
from tidemill.settings import Settings
from tidemill.store.accounts import Keys, ensure_first_start

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "signature-vectors.json").read_text())


def incoming(vector: dict[str, Any]) -> Incoming:
    headers = {name.lower(): value.strip() for name, value in vector["headers"]}
    return Incoming(vector["method"], headers, vector["raw_query"], vector["body"].encode())


def vectors(kind: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=lambda vector: vector["id"])


@vectors("v3")
def test_v3_accepts_what_official_clients_sign(vector: dict[str, Any]) -> None:
    request = incoming(vector)
    claimed = claim(request)
    claimed.check(vector["access_key_secret"])
    assert (claimed.access_key_id, claimed.time) == (vector["access_key_id"], NOW)
    signed = vector["canonical_request"].split("\n")[-2].split(";")
    assert canonical_request(request, signed, vector["body_sha256"]) == vector["canonical_request"]
    with pytest.raises(AuthenticationFailed):
        claimed.check("another-secret")


@vectors("v1")
def test_v1_accepts_what_official_clients_sign(vector: dict[str, Any]) -> None:
    request = incoming(vector)
    claimed = claim(request)
    claimed.check(vector["access_key_secret"])
    assert (claimed.access_key_id, claimed.time) == (vector["access_key_id"], NOW)
    assert string_to_sign_v1(request) == vector["string_to_sign"]
    with pytest.raises(AuthenticationFailed):
        claimed.check("another-secret")


@vectors("negative")
def test_what_was_changed_on_the_way_is_refused(vector: dict[str, Any], services: Services) -> None:
    known = VECTORS["v3"][0]["access_key_id"] if "unknown-key" not in vector["id"] else "SOMEONE"
    given = {"data": services.settings.data, "access_key_id": known, "access_key_secret": vector["access_key_secret"]}
    settings = Settings.model_validate(given)
    with services.database.write() as db:
        db.exec_driver_sql("DELETE FROM access_key")
        ensure_first_start(db, settings, NOW)
    authenticator = Authenticator(services.database, Keys(services.database, settings), 900, NOW)
    with pytest.raises(AuthenticationFailed) as failed:
        authenticator.caller(incoming(vector), NOW)
    wire = to_wire(failed.value)
    assert (wire.status, wire.code) == (vector["expect_http_status"], vector["expect_error_code"])
    assert vector["access_key_secret"] not in wire.message


@vectors("v3_optional")
def test_another_algorithm_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationFailed) as failed:
        claim(incoming(vector))
    assert failed.value.code == "InvalidSignatureMethod"


@pytest.mark.parametrize(
    "text",
    ["a b*~+/=&%中文😀" * 3, "a b*~+/=&%中文😀" * 300],
    ids=["a short text", "a long text, encoded the other way"],
)
def test_percent_encoding_leaves_only_unreserved_characters(text: str) -> None:
    repeated = len(text) // 13
    assert encode(text) == "a%20b%2A~%2B%2F%3D%26%25%E4%B8%AD%E6%96%87%F0%9F%98%80" * repeated
