"""No request is accepted twice."""

import pytest

from tests.api.client import KEY, NOW, AsgiClient, Wanted, v1, v3
from tests.api.echo import SetClock
from tidemill.actions.perform import Services
from tidemill.api.nonces import Nonces
from tidemill.api.server import create_app
from tidemill.domain.errors import AuthenticationFailed
from tidemill.store import nonces

MINUTE = 60_000


@pytest.mark.parametrize("first", ["Echo", "EchoWrite"])
@pytest.mark.parametrize("second", ["Echo", "EchoWrite"])
@pytest.mark.parametrize("sign", [v3, v1])
def test_a_nonce_is_taken_once_by_readers_and_writers_together(
    client: AsgiClient, first: str, second: str, sign: type
) -> None:
    assert client.send(sign(Wanted(first, nonce="same"))).status == 200
    again = client.send(sign(Wanted(second, nonce="same", now=NOW + 1000)))
    assert (again.status, again.code) == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("wanted", [Wanted("EchoWrite"), Wanted("Fail", form={"How": "conflict"}), Wanted("Fail")])
def test_a_restart_forgets_no_nonce_of_a_writer(client: AsgiClient, services: Services, wanted: Wanted) -> None:
    signed = v3(wanted)
    client.send(signed)
    assert AsgiClient(create_app(services)).send(signed).code == "SignatureNonceUsed"


def test_of_two_servers_on_one_database_the_second_writer_is_refused(client: AsgiClient, services: Services) -> None:
    other = AsgiClient(create_app(services))
    signed = v3(Wanted("EchoWrite"))
    assert client.send(signed).status == 200
    assert other.send(signed).code == "SignatureNonceUsed"


def test_a_wrong_signature_uses_no_nonce(client: AsgiClient) -> None:
    assert client.send(v3(Wanted(secret="wrong", nonce="mine"))).code == "SignatureDoesNotMatch"
    assert client.send(v3(Wanted(nonce="mine"))).status == 200


def test_old_nonces_are_purged_from_the_database(client: AsgiClient, services: Services, clock: SetClock) -> None:
    client.send(v3(Wanted("EchoWrite", nonce="old")))
    clock.time = NOW + 31 * MINUTE
    client.send(v3(Wanted("EchoWrite", nonce="new", now=clock.time)))
    with services.database.read() as db:
        assert [nonce for _, nonce, _ in nonces.since(db, 0)] == ["new"]


def test_memory_forgets_after_two_windows() -> None:
    memory = Nonces(15 * MINUTE)
    memory.use(KEY, "a", NOW, NOW)
    with pytest.raises(AuthenticationFailed):
        memory.use(KEY, "a", NOW + 29 * MINUTE, NOW + 29 * MINUTE)
    memory.use(KEY, "a", NOW + 31 * MINUTE, NOW + 31 * MINUTE)


def test_full_memory_refuses_what_it_may_have_forgotten() -> None:
    memory = Nonces(15 * MINUTE, capacity=2)
    for second in range(3):
        memory.use(KEY, str(second), NOW + 1000 * second, NOW + 2000)
    for nonce in ("0", "another"):
        with pytest.raises(AuthenticationFailed) as failed:
            memory.use(KEY, nonce, NOW, NOW + 3000)
        assert failed.value.code == "InvalidTimeStamp.Expired"
    memory.use(KEY, "3", NOW + 3000, NOW + 3000)
