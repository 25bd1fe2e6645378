"""What an adapter gives: a peer's requirements, and a session in which workloads run one after the other.

An adapter `bench/peers/<name>.py` has one `PEER`. Its `open(place, workloads)` starts what the peer needs, on loopback
only, and yields a function from a workload to seconds: from the call that triggers the first run to the end of the last
task, as the peer itself has noted it. The code that runs inside the peer is `bench/peers/hosted/in_<name>.py`.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.workloads import Workload

HOSTED = Path(__file__).parent / "hosted"


class PeerError(Exception):
    """The peer could not be installed, did not start, or did not finish a workload well."""


class Processes:
    """All processes of one peer: those of the sessions that it was started in, those that carry its mark in their
    environment (which a program that renames itself may overwrite), and the children of either."""

    def __init__(self, log: Path, **environment: str):
        self.mark, self.log, self.children = uuid4().hex, log, []
        self.environment = {**os.environ, **environment, "TIDEMILL_BENCH_MARK": self.mark}

    def start(self, *command: object, **more) -> subprocess.Popen:
        """Start a command in a session of its own; what it prints is appended to the log."""
        with self.log.open("ab") as log:
            given = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **more}
            started = subprocess.Popen([*map(str, command)], env=self.environment, start_new_session=True, **given)
        self.children.append(started)
        return started

    def check(self, *command: object) -> None:
        if self.start(*command).wait():
            raise PeerError(f"{command[0]} failed: {self.log.read_text()[-200:]}")

    def ids(self) -> list[int]:
        parents, found, sessions = {}, set(), {child.pid for child in self.children}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or (id := int(entry.name)) == os.getpid():
                continue
            try:
                state, parent, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if state == "Z":
                    continue
                parents[id] = int(parent)
                if int(session) in sessions or self.mark.encode() in (entry / "environ").read_bytes():
                    found.add(id)
            except OSError:
                continue
        while more := {id for id, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found)

    def signal(self, number: int) -> None:
        for id in self.ids():
            try:
                os.kill(id, number)
            except ProcessLookupError:
                continue

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def stop(self) -> None:
        """TERM, then KILL after ten seconds."""
        self.resume()
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(number)
            end = time.monotonic() + 10
            while time.monotonic() < end:
                running = [child for child in self.children if child.poll() is None]
                if not running and not self.ids():
                    return
                time.sleep(0.1)


@dataclass(frozen=True)
class Place:
    """Where a peer lives: `bin` of its own environment, and an empty directory for its state."""

    bin: Path
    directory: Path


@dataclass(frozen=True)
class Peer:
    name: str
    requires: tuple[str, ...]
    database: str
    task: str  # what one task is there
    rounds: int  # at most this many measured ones: some take minutes; at 1 there is no round to warm it either
    open: Callable[[Place, Sequence[Workload]], AbstractContextManager[tuple[Callable[[Workload], float], Processes]]]


def as_json(workload: Workload) -> str:
    """A workload for the code inside a peer, which imports nothing of ours."""
    return json.dumps({
        "name": workload.name, "widths": workload.widths, "runs": workload.runs, "fibonacci": workload.fibonacci,
    })  # fmt: skip


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def ask(url: str, body: object = None, method: str | None = None, again: Sequence[int] = (), **headers: str):
    """The JSON that a peer answers; a status in `again` is tried up to 100 times, as the peer's own client would."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    for left in range(100, 0, -1):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in again or left == 1:
                raise PeerError(f"{url}: {error.code} {error.read()[:500]!r}") from error
            time.sleep(0.2)
    return None


def until(found: Callable[[], object], seconds: float, what: str, every: float = 0.2):
    """Wait for something other than None; a refused connection counts as None."""
    end, last = time.monotonic() + seconds, ""
    while time.monotonic() < end:
        try:
            if (value := found()) is not None:
                return value
        except (OSError, PeerError) as error:
            last = f": {error}"
        time.sleep(every)
    raise PeerError(f"{what}: not within {seconds} s{last}")
