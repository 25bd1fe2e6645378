"""What only sockets show: long request lines, rubbish, kept connections."""

import http.client
import json
import socket

import pytest

from tests.whole.conftest import Server


def exchange(server: Server, sent: bytes) -> tuple[bytes, dict]:
    """What the server answers to these bytes before it closes the connection."""
    host, port = server.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(sent)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], json.loads(body)


def test_answers_below_the_gateway_are_json_too(server: Server) -> None:
    line, answer = exchange(server, b"\x16\x03\x01 what\r\n\r\n")
    assert line.startswith(b"HTTP/1.1 400")
    assert answer["Code"] == "InvalidRequest"
    line, answer = exchange(server, b"GET /?a=" + b"x" * (4 * 2**20 + 1))
    assert line.startswith(b"HTTP/1.1 413")
    assert answer["Code"] == "RequestEntityTooLarge"


@pytest.mark.parametrize("size", [60_000, 70_000, 200_000])
def test_a_request_line_may_be_long(server: Server, size: int) -> None:
    connection = http.client.HTTPConnection(server.endpoint)
    connection.request("GET", f"/?Action=GetWorkflow&Version=2024-05-18&AccessKeyId={'x' * size}")
    answer = json.loads(connection.getresponse().read())
    assert answer["Code"] == "MissingSignature"
    connection.close()


def test_one_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection(server.endpoint)
    for method, status in (("PUT", 405), ("GET", 400), ("GET", 400)):
        connection.request(method, "/")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (status, "application/json;charset=utf-8")
        assert json.loads(answer.read())["RequestId"]
    connection.close()
