"""The gateway behind a real HTTP server: what only sockets show."""

import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.api.client import Signed, Wanted, v1, v3


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def connection(server: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, signed: Signed, *, chunked: bool = False) -> tuple[int, dict]:
    headers = dict(signed.headers)
    body: object = signed.body
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        body = iter([signed.body[start : start + 100] for start in range(0, len(signed.body), 100)])
    connection.request(signed.method, f"/?{signed.query}", body, headers, encode_chunked=chunked)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def exchange(port: int, sent: bytes) -> bytes:
    """What the server answers to these bytes before it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(sent)
        return b"".join(iter(lambda: raw.recv(65536), b""))


def test_a_chunked_body_is_read(connection: http.client.HTTPConnection) -> None:
    status, answer = ask(connection, v3(Wanted(form={"Name": "x" * 5_000}, now=now())), chunked=True)
    assert (status, answer["Echo"]["Name"]) == (200, "x" * 5_000)


def test_a_get_may_have_a_body(connection: http.client.HTTPConnection) -> None:
    status, answer = ask(connection, v1(Wanted(method="GET", form={"Name": "a b"}, now=now())))
    assert (status, answer["Echo"]["Name"]) == (200, "a b")


@pytest.mark.parametrize("size", [60_000, 70_000, 99_000])
def test_a_request_line_may_be_long(connection: http.client.HTTPConnection, size: int) -> None:
    status, answer = ask(connection, v1(Wanted(method="GET", query={"Name": "x" * size}, now=now())))
    assert (status, len(answer["Echo"]["Name"])) == (200, size)


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    for _ in range(3):
        assert ask(connection, v3(Wanted(now=now())))[0] == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused_in_json(connection: http.client.HTTPConnection, chunked: bool) -> None:
    status, answer = ask(connection, v3(Wanted(form={"Name": "x" * 150_000}, now=now())), chunked=chunked)
    assert (status, answer["Code"]) == (413, "RequestEntityTooLarge")


def test_rubbish_is_answered_in_json(server: int) -> None:
    head, _, body = exchange(server, b"\x16\x03\x01 what\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["Code"] == "InvalidRequest"


def test_a_head_without_end_is_refused(server: int) -> None:
    head, _, body = exchange(server, b"GET /?a=" + b"x" * (4 * 2**20 + 1)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["Code"] == "RequestEntityTooLarge"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_refused_in_json(connection: http.client.HTTPConnection, method: str) -> None:
    connection.request(method, "/")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["Code"]) == (405, "UnsupportedHTTPMethod")
