"""Both signatures, held to the vectors that official clients made."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tidemill.api.authenticate import Authenticator
from tidemill.api.request import Incoming
from tidemill.api.signature import claim
from tidemill.domain.errors import AuthenticationFailed
from tidemill.settings import Settings
from tidemill.store.accounts import Keys, ensure_first_start
from tidemill.store.engine import open_database
from tidemill.store.schema import prepare

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text())
CLOCK = int(datetime.fromisoformat(VECTORS["clock"]).timestamp() * 1000)


def incoming(vector: dict[str, Any]) -> Incoming:
    headers = {name.lower(): value.strip() for name, value in vector["headers"]}
    return Incoming(vector["method"], headers, vector["raw_query"], vector["body"].encode())


def cases(*kinds: str) -> list[Any]:
    return [pytest.param(vector, id=vector["id"]) for kind in kinds for vector in VECTORS[kind]]


@pytest.mark.parametrize("vector", cases("v3", "v1"))
def test_an_official_client_s_signature_is_accepted(vector: dict[str, Any]) -> None:
    claimed = claim(incoming(vector))
    claimed.check(vector["access_key_secret"])
    assert claimed.access_key_id == vector["access_key_id"]
    assert abs(claimed.time - CLOCK) < 5 * 60_000
    assert claimed.nonce


@pytest.mark.parametrize("vector", cases("v3", "v1"))
def test_another_secret_s_signature_is_refused_with_the_string_to_sign(vector: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        claim(incoming(vector)).check("another secret")
    assert refused.value.code == "SignatureDoesNotMatch"
    assert "server string to sign is:" in str(refused.value)
    assert "another secret" not in str(refused.value)


@pytest.mark.parametrize("vector", cases("negative"))
def test_a_spoilt_request_is_refused(vector: dict[str, Any], tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    settings = Settings(
        data=tmp_path, access_key_id="LTAIFAKEACCESSKEY01", access_key_secret=SecretStr(vector["access_key_secret"])
    )
    with database.write() as db:
        prepare(db)
        ensure_first_start(db, settings, CLOCK)
    with pytest.raises(AuthenticationFailed) as refused:
        Authenticator(database, Keys(database, settings), 900, CLOCK).caller(incoming(vector), CLOCK)
    database.close()
    assert (refused.value.code, refused.value.status) == (vector["expect_error_code"], vector["expect_http_status"])


def test_sm3_is_a_method_that_is_not_served() -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        claim(incoming(VECTORS["v3_optional"][0]))
    assert refused.value.code == "InvalidSignatureMethod"
