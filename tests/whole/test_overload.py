"""A real server under rubbish, slow clients, large bodies and a database that is locked or gone, with work to do."""

import http.client
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import Wanted, v3
from tests.chaos.servers import postgresql_of_its_own
from tests.conftest import assert_promises_held
from tests.whole.conftest import KEY, SECRET, Server, task
from tidemill.store.engine import open_database

MIB = 2**20
FEW = {
    "TIDEMILL_MAX_CONNECTIONS": "60", "TIDEMILL_REQUEST_TIMEOUT": "2", "TIDEMILL_WRITE_TIMEOUT": "0.5",
    "TIDEMILL_MAX_READING": str(32 * MIB),
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data", **FEW)
    yield running
    running.end()
    database = open_database(f"sqlite:///{running.data / 'tidemill.db'}")
    assert_promises_held(database)
    database.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def messages(server: Server) -> str:
    return server.data.with_name(f"{server.data.name}.log").read_text()


def memory(server: Server) -> int:
    """The server's own, in bytes."""
    assert server.process is not None
    smaps = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+)", smaps, re.MULTILINE)[0]) * 1024


def connected(server: Server) -> socket.socket:
    host, port = server.endpoint.split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def ask(server: Server, action: str, body: bytes = b"", kind: str = "application/x-www-form-urlencoded") -> int:
    """The status of one signed call on a connection of its own."""
    wanted = Wanted(action, body=body, content_type=kind, key=KEY, secret=SECRET, now=time.time_ns() // 10**6)
    wanted.nonce = os.urandom(16).hex()
    signed = v3(wanted)
    connection = http.client.HTTPConnection(server.endpoint, timeout=60)
    connection.request("POST", "/", signed.body, dict(signed.headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def chains(server: Server, gate: Path) -> int:
    """A workflow instance that goes on when the gate opens."""
    tasks = [task(f"a{n}", f"until [ -e {gate} ]; do sleep 0.05; done") for n in range(4)]
    tasks += [task(f"b{n}", "true", f"a{n}") for n in range(4)]
    whole = server.run(server.create(*tasks)["Id"])
    server.until(lambda: len(server.task_processes()) >= 4)
    return whole


def test_slow_clients_rubbish_and_large_bodies_stop_no_work(server: Server, stack: ExitStack, tmp_path: Path) -> None:
    whole = chains(server, tmp_path / "gate")
    ask(server, "ListWorkflows", b"ProjectId=10000")
    before, lines = memory(server), messages(server).count("\n")

    slow = [stack.enter_context(connected(server)) for _ in range(300)]
    for number, client in enumerate(slow):
        with suppress(OSError):  # cut off already
            client.sendall((b"", b"G", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nx")[number % 3])
    assert ask(server, "ListWorkflows", b"ProjectId=10000") == 200

    statuses: list[int] = []
    body = b"ProjectId=10000&X=" + b"%41" * (5 * MIB)
    large = [threading.Thread(target=lambda: statuses.append(ask(server, "ListWorkflows", body))) for _ in range(8)]
    for thread in large:
        thread.start()
    chance = random.Random(7)
    answered = [rubbish(server, chance) for _ in range(300)]
    assert ask(server, "ListWorkflows", b"ProjectId=10000") == 200
    for thread in large:
        thread.join()
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert ask(server, "ListWorkflows", b"ProjectId=10000&X=" + b"x" * 16 * MIB) == 413
    assert {status for status in answered if status is not None} <= {200, 400, 404, 405, 408, 501}

    assert {said(client) for client in slow} <= {b"", b"HTTP/1.1 408", b"HTTP/1.1 503"}, "all are cut off"
    (tmp_path / "gate").touch()
    assert server.ended(whole) == "Success"
    assert memory(server) < before + 200 * MIB
    assert messages(server).count("\n") <= lines + 2
    assert SECRET not in messages(server)


def said(client: socket.socket) -> bytes:
    """How an answer begins that comes before the connection is closed; nothing where none does."""
    try:
        return b"".join(iter(lambda: client.recv(65536), b""))[:12]
    except ConnectionResetError:
        return b""


def rubbish(server: Server, chance: random.Random) -> int | None:
    """Send something; the status of the answer, None where there is none."""
    target = "&".join(
        chance.choice(["Action=GetTask", "Version=2024-05-18", "Id=%00", "Signature=x", "%"]) for _ in "ab"
    )
    head = chance.choice(
        ["", "Upgrade: h2c\r\nConnection: Upgrade\r\n", "Authorization: ACS3-HMAC-SHA256 a=b\r\n", "é: \0"]
    )
    sent = chance.choice([
        chance.randbytes(200) + b"\r\n\r\n",
        f"{chance.choice(['GET', 'PUT', 'X'])} /?{target} HTTP/1.{chance.choice('019')}\r\n{head}\r\n".encode(),
        f"POST / HTTP/1.1\r\n{head}Content-Length: 5\r\n\r\n".encode() + chance.randbytes(5),
        b"",
    ])  # fmt: skip
    if not sent:
        kind = chance.choice(["application/json", "application/x-www-form-urlencoded", "x"])
        return ask(server, chance.choice(["GetTask", "CreateWorkflow", "X"]), chance.randbytes(20), kind)
    with connected(server) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        try:
            answer = client.recv(65536)
        except ConnectionResetError:
            return None
    return int(answer[9:12]) if answer else None


def in_threads(count: int, call: Callable[[], Any]) -> list[Any]:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_locked_database_delays_writes_and_loses_nothing(server: Server, tmp_path: Path) -> None:
    whole = chains(server, tmp_path / "gate")
    other = sqlite3.connect(server.data / "tidemill.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (tmp_path / "gate").touch()
    server.until(lambda: not server.task_processes())
    assert set(in_threads(12, lambda: ask(server, "StopTaskInstances", b"Ids=1"))) == {503}
    assert ask(server, "ListWorkflows", b"ProjectId=10000") == 200
    assert server.status(whole) == "Running"
    server.until(lambda: "the scheduler waits for the database" in messages(server))
    other.rollback()
    other.close()
    assert server.ended(whole) == "Success"
    assert ask(server, "StopTaskInstances", b"Ids=1") == 200
    assert {item["RunNumber"] for item in server.tasks(whole).values()} == {1}
    server.until(lambda: "the scheduler goes on" in messages(server))
    assert messages(server).count("the scheduler waits for the database") == 1
    assert "Traceback" not in messages(server)


def test_a_postgresql_that_does_not_answer_delays_calls_and_loses_nothing(
    tmp_path_factory: Any, tmp_path: Path
) -> None:
    with postgresql_of_its_own(tmp_path_factory.mktemp("pg") / "data") as url:
        server = Server(tmp_path / "data", "--database", url, TIDEMILL_SECRET_KEY="k", TIDEMILL_LEASE="6", **FEW)
        whole = chains(server, tmp_path / "gate")
        stopped = stop_postgresql(url)
        try:
            (tmp_path / "gate").touch()
            server.until(lambda: not server.task_processes())
            calls = iter([("ListWorkflows", b"ProjectId=10000"), ("StopTaskInstances", b"Ids=1")] * 6)
            assert set(in_threads(12, lambda: ask(server, *next(calls)))) == {503}
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)
        assert server.ended(whole) == "Success"
        server.until(lambda: ask(server, "StopTaskInstances", b"Ids=1") == 200)
        assert {item["RunNumber"] for item in server.tasks(whole).values()} == {1}
        server.end()
        database = open_database(url)
        assert_promises_held(database)
        database.close()


def stop_postgresql(url: str) -> list[int]:
    """Stop the server in its tracks; the processes that were stopped, the first one first."""
    database = open_database(url)
    with database.read() as db:
        directory = db.exec_driver_sql("SHOW data_directory").scalar()
    database.close()
    first = int((Path(str(directory)) / "postmaster.pid").read_text().split()[0])
    stopped = [first]
    os.kill(first, signal.SIGSTOP)
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=True)
    for pid in map(int, listed.stdout.split()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
    return stopped
