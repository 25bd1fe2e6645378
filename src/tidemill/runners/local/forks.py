"""The runner's side of `runners/tasks/fork_server.py`: its start, what is said to it, and its end.

Imported by a runner when the first run is to be forked.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import time

from tidemill.runners.local import layout, processes
from tidemill.runners.local.spawn import ALL_SIGNALS, plain_environment
from tidemill.runners.local.wire import Channel
from tidemill.runners.tasks.python import FORK_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Key, Message

SERVER_MARK = "fork-server".ljust(40, ".")  # as long as any run's: a fork writes its own over it
_CHANNEL = 3  # the descriptor under which the program expects the connection
_PATIENCE = 60.0  # seconds without an answer, imports at the start among them, after which it is ended


class Forks:
    """A fork server. `ready` when it has imported what it shall; until then nothing may be asked of it."""

    __slots__ = ("_silent_since", "channel", "pid", "ready")

    def __init__(self, settings: Settings) -> None:
        """Start one. OSError: it cannot be started."""
        ours, theirs = socket.socketpair()
        try:
            self.pid = _spawn(settings, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.channel = Channel(ours)
        self.ready = False
        self._silent_since = time.monotonic()

    def ask(self, key: Key, request: list[object]) -> None:
        """Ask for a fork; `forked` or `failed` follows."""
        self._expect_answer("fork", key, *request)

    def reap(self, pid: int) -> None:
        """Let a fork that has ended give its number back."""
        self.channel.send("reap", pid)

    def hear(self) -> list[Message]:
        """What it has said since; its death closes the channel."""
        self.channel.flush()
        messages = self.channel.receive()
        if messages:
            self._silent_since = math.inf
            self.ready = True
        return messages

    def last_words(self) -> list[Message]:
        """After its death: all that it has said and that was not heard."""
        messages: list[Message] = []
        while some := self.hear():
            messages += some
        return messages

    def check(self, moment: float) -> None:
        """Ask for a sign of life, or end it if there was none for long, at `moment` of the monotonic clock."""
        if moment - self._silent_since > _PATIENCE:
            self.kill()
        elif self.ready:
            self._expect_answer("ping")

    def kill(self) -> None:
        """End it at once; it is still to be reaped."""
        processes.send_signal(self.pid, signal.SIGKILL)

    def _expect_answer(self, *message: object) -> None:
        self._silent_since = min(self._silent_since, time.monotonic())
        self.channel.send(*message)


def _spawn(settings: Settings, connection: int) -> int:
    """Its environment has the marks of a task, so that it is ended wherever tasks are."""
    names = [name for part in settings.python_imports.split(",") if (name := part.strip())]
    environment = {
        **plain_environment(settings, f"{settings.data_directory}/{layout.RUNNER}"),
        processes.RUN_VARIABLE: SERVER_MARK,
        processes.DATA_VARIABLE: settings.data_directory,
    }
    return os.posix_spawn(
        settings.python,
        [settings.python, "-u", FORK_SERVER, *names],
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, connection, _CHANNEL)],
        setsid=True,
        setsigmask=[],
        setsigdef=ALL_SIGNALS,
    )
