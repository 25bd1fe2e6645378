"""Two servers on one PostgreSQL: the leader is killed, stopped or cut off, and nothing is lost, doubled or stuck."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from sqlalchemy import make_url

from tests.conftest import assert_promises_held
from tests.whole.conftest import Server, task
from tests.whole.test_postgresql import database  # noqa: F401 - a fixture
from tidemill.store.engine import open_database

COUNT = 12


class Gate:
    """A way to PostgreSQL that can be closed: a socket of its own, in front of the server's."""

    def __init__(self, url: str, place: Path) -> None:
        place.mkdir()
        parsed = make_url(url)
        self._target = f"{parsed.query['host']}/.s.PGSQL.5432"
        self.url = parsed.set(query={"host": str(place)}).render_as_string(hide_password=False)
        self._pairs: list[socket.socket] = []
        self._open = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place / ".s.PGSQL.5432"))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Cut all connections, and let no other come."""
        self._open = False
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def reopen(self) -> None:
        self._open = True

    def close(self) -> None:
        self.shut()
        self._listener.close()
        for end in self._pairs:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


class Pair:
    """Two servers; the first one's way to the database can be shut."""

    def __init__(self, place: Path, url: str) -> None:
        self.url = url
        self.gate = Gate(url, place / "gate")
        key = {
            "TIDEMILL_SECRET_KEY": "k",
            "TIDEMILL_STOP_GRACE": "0.5",
            "TIDEMILL_SHUTDOWN_GRACE": "0.5",
            "TIDEMILL_LEASE": "6",
        }
        self.first = Server(place / "one", "--database", self.gate.url, **key)
        self.wait_for(self.first, "leader")
        self.second = Server(place / "two", "--database", url, **key)
        self.first.until(lambda: self.health(self.first).get("Servers") == "2")
        self.marks = place / "marks"
        self.marks.mkdir()
        self.opening = place / "opening"

    def health(self, server: Server) -> dict[str, str]:
        try:
            with urlopen(f"http://{server.endpoint}/health", timeout=5) as answer:
                return json.load(answer)
        except (URLError, OSError):
            return {}

    def name_of(self, server: Server) -> str:
        """Of its runner."""
        return (server.data / "runner.name").read_text().strip()

    def wait_for(self, server: Server, role: str) -> None:
        server.until(lambda: self.health(server).get("Role") == role)

    def start_work(self) -> int:
        """Chains of two; the first task of each marks its start, then waits until the way is open."""
        tasks = []
        for number in range(COUNT):
            mark = f"{self.marks}/{number}"
            wait = f"until [ -e {self.opening} ]; do sleep 0.05; done"
            tasks.append(task(f"a{number}", f"printf x >> {mark}; {wait}; printf y >> {mark}"))
            tasks.append(task(f"b{number}", f"printf z >> {mark}; echo {number}", f"a{number}"))
        whole = self.second.run(self.second.create(*tasks)["Id"])
        self.second.until(lambda: len(list(self.marks.iterdir())) == COUNT)
        return whole

    def texts(self) -> list[str]:
        return [(self.marks / f"{number}").read_text() for number in range(COUNT)]

    def end(self) -> None:
        for server in (self.first, self.second):
            if server.process is not None:
                server.process.send_signal(signal.SIGCONT)
            server.end()
        self.gate.close()


@pytest.fixture
def pair(tmp_path: Path, database: str) -> Iterator[Pair]:  # noqa: F811
    made = Pair(tmp_path, database)
    yield made
    made.end()
    opened = open_database(database)
    assert_promises_held(opened)
    opened.close()


def check(pair: Pair, whole: int) -> None:
    """All is done; what the first server had begun was begun once more, and no two lived at once."""
    pair.opening.touch()
    assert pair.second.ended(whole) == "Success"
    texts = pair.texts()
    assert set(texts) == {"xyz", "xxyz"}
    assert 2 <= texts.count("xxyz") <= COUNT - 2, "the runs were spread over both"


def test_a_standby_leads_when_the_leader_and_its_runner_are_killed(pair: Pair) -> None:
    whole = pair.start_work()
    guard, runner = pair.first.guard(), pair.first.runner()
    pair.first.kill()
    os.kill(guard, signal.SIGKILL)
    os.kill(runner, signal.SIGKILL)
    for pid in pair.first.task_processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    pair.wait_for(pair.second, "leader")
    pair.second.until(lambda: all(text in ("x", "xx") for text in pair.texts()) and "xx" in pair.texts())
    check(pair, whole)


def test_a_leader_that_was_stopped_and_goes_on_does_no_harm(pair: Pair) -> None:
    whole = pair.start_work()
    assert pair.first.process is not None
    pair.first.process.send_signal(signal.SIGSTOP)
    pair.wait_for(pair.second, "leader")
    pair.second.until(lambda: not pair.first.task_processes())  # its runner was not renewed
    pair.second.until(lambda: pair.texts().count("xx") >= 2)
    pair.first.process.send_signal(signal.SIGCONT)
    pair.wait_for(pair.first, "standby")
    check(pair, whole)


def test_a_leader_that_is_cut_off_from_the_database_does_no_harm(pair: Pair) -> None:
    whole = pair.start_work()
    pair.gate.shut()
    pair.wait_for(pair.second, "leader")
    assert pair.health(pair.first)["Database"] == "away"
    pair.second.until(lambda: not pair.first.task_processes())
    pair.second.until(lambda: pair.texts().count("xx") >= 2)
    pair.gate.reopen()
    pair.first.until(lambda: pair.health(pair.first).get("Database") == "ok")
    check(pair, whole)


def test_every_server_answers_for_every_log(pair: Pair) -> None:
    pair.opening.touch()
    whole = pair.start_work()
    assert pair.second.ended(whole) == "Success"
    found = pair.first.tasks(whole)
    assert len({item["Runtime"]["Gateway"] for item in found.values()}) == 2
    logs = [(number, found[f"b{number}"]["Id"]) for number in range(COUNT)]
    for server in (pair.first, pair.second):
        assert [server.call("GetTaskInstanceLog", Id=id)["TaskInstanceLog"] for _, id in logs] == [
            f"{number}\n" for number, _ in logs
        ]
    pair.first.signal(signal.SIGTERM)
    gone = {item["Id"] for item in found.values() if item["Runtime"]["Gateway"] == pair.name_of(pair.first)}
    assert {pair.second.call("GetTaskInstanceLog", Id=id)["TaskInstanceLog"] for _, id in logs if id not in gone}
    with pytest.raises(Exception, match="does not answer"):
        pair.second.call("GetTaskInstanceLog", Id=next(iter(gone)))


def test_a_leader_that_ends_in_order_is_followed_at_once(pair: Pair) -> None:
    whole = pair.start_work()
    assert pair.first.signal(signal.SIGTERM) == 0
    pair.wait_for(pair.second, "leader")
    pair.second.until(lambda: set(pair.texts()) <= {"x", "xx"} and "xx" in pair.texts())
    check(pair, whole)


def test_without_the_key_no_log_is_given_away(pair: Pair) -> None:
    with pytest.raises(URLError, match="403"):
        urlopen(f"http://{pair.first.endpoint}/shared-logs/gAAAAAB")
