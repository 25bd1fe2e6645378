"""Clients that are slow, many or deaf: each is told why it is cut off, and the honest ones are answered meanwhile."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest

from tests.api.client import Wanted, v3
from tests.api.test_protocol import exchange, now
from tidemill.actions.perform import Services
from tidemill.api.connections import MAX_LONG_HEADS, Connections
from tidemill.api.protocol import MAX_HEADERS, MAX_PIPELINED, Protocol
from tidemill.api.server import create_app

T = TypeVar("T")

PATIENCE = 2_000  # hundredths of a second
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Raw:
    """A connection that sends what it likes."""

    def __init__(self, port: int, *sent: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        for part in sent:
            self.socket.sendall(part)

    def rest(self) -> bytes:
        """What the server says until it closes."""
        try:
            return b"".join(iter(lambda: self.socket.recv(65536), b""))
        except ConnectionResetError:  # closed with something of ours unread
            return b""


@pytest.fixture
def limits() -> Connections:
    """Few places, and little patience with those who are too slow."""
    return Connections(most=8, patience=0.5)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(stack: ExitStack, port: int, *sent: bytes) -> Raw:
    raw = Raw(port, *sent)
    stack.callback(raw.socket.close)
    return raw


def until(condition: Callable[[], T]) -> T:
    """What it says once that is true."""
    for _ in range(PATIENCE):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def status(answer: bytes) -> int:
    return int(answer[9:12])


def code(answer: bytes) -> str:
    return json.loads(answer.partition(b"\r\n\r\n")[2])["Code"]


def honest(port: int) -> int:
    signed = v3(Wanted(now=now()))
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.headers)
    return status(exchange(port, f"POST / HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"G", id="a head that begins"),
        pytest.param(HEAD + b"X-A: 1", id="a head without end"),
        pytest.param(HEAD + b"Content-Length: 100\r\n\r\nabc", id="a body without end"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="chunks without end"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y", id="trailers without end"),
        pytest.param(HEAD + b"Content-Length: 70000\r\n\r\n" + b"x" * 69_999, id="a large body without its end"),
    ],
)
def test_a_request_that_does_not_go_on_is_ended(server: int, stack: ExitStack, sent: bytes) -> None:
    answer = opened(stack, server, sent).rest()
    assert (status(answer), code(answer)) == (408, "RequestTimeout")


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_that_asks_nothing_is_closed(server: int, stack: ExitStack, sent: bytes) -> None:
    assert opened(stack, server, sent).rest() == b""


def test_blank_lines_do_not_keep_a_connection_open(server: int, stack: ExitStack) -> None:
    raw = opened(stack, server, b"GET /health HTTP/1.1\r\n\r\n")
    assert raw.socket.recv(65536).startswith(b"HTTP/1.1 200")
    raw.socket.sendall(b"\r\n")
    assert raw.rest() == b""


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n"])
def test_many_idle_and_slow_connections_yield_to_honest_ones(
    server: int, limits: Connections, stack: ExitStack, sent: bytes
) -> None:
    limits.patience = 60.0
    slow = [opened(stack, server, sent) for _ in range(4 * limits.most)]
    assert honest(server) == 200
    said = [raw.rest() for raw in slow[: 2 * limits.most]]
    in_request = sent.startswith(b"POST")
    assert {status(answer) for answer in said if answer} <= ({503} if in_request else {200})
    assert not in_request or any(b'"ServiceUnavailable"' in answer and b"retry-after: 1" in answer for answer in said)
    assert len(limits.idle) + len(limits.reading) <= limits.most


def test_a_client_that_takes_no_answers_is_cut_off(server: int, limits: Connections, stack: ExitStack) -> None:
    long = b"GET /?Action=A&Version=1&AccessKeyId=" + b"y" * 30_000 + b" HTTP/1.1\r\n\r\n"
    raw = opened(stack, server)
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.socket.settimeout(0.1)

    def send_for_ever() -> None:
        while True:
            raw.socket.sendall(long)

    with pytest.raises(OSError, match=r"reset|Broken pipe|timed out"):  # the last where only the kernel has it still
        send_for_ever()
    for _ in range(PATIENCE):
        if not limits.open:
            break
        time.sleep(0.01)
    assert not limits.open
    assert honest(server) == 200


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(HEAD + b"a: b\r\n" * MAX_HEADERS + b"\r\n", 413, id="very many headers"),
        pytest.param(HEAD + b"a" * 5 * 2**20 + b": b\r\n\r\n", 413, id="a very long header name"),
        pytest.param(HEAD + b"a: " + b"b" * 5 * 2**20 + b"\r\n\r\n", 413, id="a very long header"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:\r\n" * 2**21, 413, id="trailers"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 2**23, 413, id="an extension of a chunk"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, id="a chunk without a size"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n", 400, id="a huge chunk"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n", 400, id="a chunk that is longer"),
        pytest.param(HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400, id="a coding that nobody knows"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, id="two lengths"),
        pytest.param(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, id="two different lengths"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", 400, id="less than nothing"),
        pytest.param(HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400, id="a length of forty digits"),
        pytest.param(HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413, id="asks before"),
        pytest.param(HEAD + b"a\0b: c\r\n\r\n", 400, id="NUL in a header"),
        pytest.param(HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\na=b", 400, id="upgrade"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", 400, id="another HTTP"),
        pytest.param(b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400, id="a path that is no ASCII"),
        pytest.param(b"CONNECT example.com:80 HTTP/1.1\r\n\r\n", 400, id="a proxy is asked for"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", 400, id="HTTP/1.0 without anything"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n" * 20_000, 400, id="very many at once"),
    ],
)
def test_odd_http_is_refused_in_json(
    server: int, limits: Connections, stack: ExitStack, sent: bytes, answered: int
) -> None:
    raw = opened(stack, server)
    try:
        raw.socket.sendall(sent)
    except OSError:  # it may close before it has read all
        return
    answer = raw.rest()
    assert not answer or status(answer) == answered, answer[:300]
    assert honest(server) == 200
    assert limits.long_heads == 0


def test_long_heads_are_few_at_a_time(server: int, limits: Connections, stack: ExitStack) -> None:
    limits.most, limits.patience = 100, 60.0
    long = HEAD + b"a: " + b"b" * 70_000
    held = [opened(stack, server, long) for _ in range(MAX_LONG_HEADS)]
    while limits.long_heads < MAX_LONG_HEADS:
        assert honest(server) == 200
    assert b"503" in opened(stack, server, long).rest()
    for raw in held:
        raw.socket.close()
    while limits.long_heads:
        assert honest(server) == 200


def test_pipelined_requests_are_answered_in_their_order(server: int, stack: ExitStack) -> None:
    one = b"GET /health HTTP/1.1\r\n\r\n"
    sent = one * (MAX_PIPELINED // 2) + HEAD + b"Content-Length: 3\r\n\r\na=b" + one[:-2] + b"Connection: close\r\n\r\n"
    answer = opened(stack, server, sent).rest()
    assert answer.count(b"HTTP/1.1 200") == MAX_PIPELINED // 2 + 1
    assert b"MissingAction" in answer


@pytest.mark.parametrize("asked", [b"Upgrade: websocket", b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk", b"Expect: x"])
def test_what_is_not_offered_is_passed_over(server: int, stack: ExitStack, asked: bytes) -> None:
    asking = b"GET / HTTP/1.1\r\n" + asked + b"\r\nConnection: Upgrade\r\n\r\n"
    last = b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"
    answer = opened(stack, server, asking + last).rest()
    assert (answer.count(b"MissingAction"), answer.count(b"HTTP/1.1 200")) == (1, 1)


def test_a_client_that_asks_first_is_told_to_go_on(server: int, stack: ExitStack) -> None:
    raw = opened(stack, server, HEAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert raw.socket.recv(65536).startswith(b"HTTP/1.1 100")
    raw.socket.sendall(b"a=b")
    assert b"MissingAction" in raw.rest()


def test_a_large_request_gets_the_room_of_one_that_is_drawn_out(services: Services) -> None:
    size = services.settings.max_request
    settings = services.settings.model_copy(update={"max_reading": size, "request_timeout": 0.05})
    app = create_app(replace(services, settings=settings))

    async def run() -> list[int]:
        holds = asyncio.Event()
        statuses: list[int] = []

        async def drawn_out() -> dict[str, object]:
            holds.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def whole() -> dict[str, object]:
            return {"type": "http.request", "body": b"x" * (size - 1), "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        headers = [(b"content-length", b"%d" % (size - 1))]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        slow = asyncio.create_task(app(scope, drawn_out, send))
        await holds.wait()
        await asyncio.gather(slow, app(scope, whole, send))
        return statuses

    assert asyncio.run(run()) == [503, 400]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"0\r\na: " + b"b" * 200_000, id="a trailer"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 24_000, id="trailers"),
        pytest.param(b"1;a=" + b"b" * 200_000, id="an extension of a chunk"),
    ],
)
def test_what_follows_a_body_is_short(server: int, limits: Connections, stack: ExitStack, sent: bytes) -> None:
    limits.patience = 60.0
    answer = opened(stack, server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + sent).rest()
    assert not answer or (status(answer), code(answer)) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\x16\x03\x01 what\r\n\r\n", id="rubbish"),
        pytest.param(b"CONNECT example.com:80 HTTP/1.1\r\n\r\n", id="a URL that is none"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", id="a broken body"),
    ],
)
def test_a_refusal_is_not_the_answer_to_an_earlier_request(server: int, stack: ExitStack, broken: bytes) -> None:
    assert status(opened(stack, server, broken).rest()) == 400
    assert opened(stack, server, b"GET /health HTTP/1.1\r\n\r\n" + broken).rest() == b""


def test_one_that_has_not_taken_its_answers_is_not_waited_for_when_its_place_is_needed(
    server: int, limits: Connections, stack: ExitStack
) -> None:
    limits.most, limits.patience = 1, 60.0
    raw = opened(stack, server)
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf = cast(Protocol, until(lambda: next(iter(limits.open), None)))
    long = b"GET / HTTP/1.1\r\nHost: " + b"h" * 20_000 + b"\r\n\r\n"
    answers = 0
    while not deaf.transport.get_write_buffer_size():
        raw.socket.sendall(long)
        answers += 1
        until(lambda: deaf.server_state.total_requests == answers)  # noqa: B023
    until(lambda: deaf in limits.idle)
    assert honest(server) == 200
    until(lambda: deaf not in deaf.connections)


def test_one_whose_place_is_needed_counts_until_it_is_gone() -> None:
    class Leaving:
        def __init__(self) -> None:
            self.dismissed = 0

        def dismiss(self) -> None:
            self.dismissed += 1

        def cut_if_slow(self, now: float, patience: float) -> None:
            raise AssertionError

    async def run() -> None:
        connections = Connections(most=1)
        first, second, third = Leaving(), Leaving(), Leaving()
        assert connections.add(first)
        connections.place(first, connections.idle)
        assert connections.add(second)
        assert (first.dismissed, connections.open) == (1, {first, second})
        assert not connections.add(third)
        connections.remove(first)
        connections.place(second, connections.reading)
        assert connections.add(third)
        assert (first.dismissed, second.dismissed) == (1, 1)

    asyncio.run(run())
