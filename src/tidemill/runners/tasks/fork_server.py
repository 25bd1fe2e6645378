"""The program that PYTHON tasks may be forked from: an interpreter that was started, and has imported modules, once.

The tasks' interpreter executes it (3.8 or later); it knows nothing of Tidemill, and talks to the runner over descriptor
3, one JSON array a line. To it: `fork` key script arguments environment log, `reap` pid, `ping`. From it: `ready`,
`forked` key pid, `failed` key message, `ended` pid exit_code (negative: the signal), `alive`. `forked` is said when the
fork leads a session of its own. A fork that has ended stays a zombie, and so keeps its number, until `reap`.

In a fork `main` returns, and the script runs under the last lines of this file: one frame stands above its own.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder's modules are not for tasks

import atexit
import builtins
import ctypes
import gc
import importlib
import json
import os
import select
import signal
from _io import _IOBase  # pyright: ignore  # what every file is; asking io.IOBase, an abstract class, is slow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any, NoReturn

_CHANNEL = 3  # descriptor
_READ_SIZE = 64 * 1024
_BEGUN = b"."  # what a fork answers when it leads its session; anything else says why it does not
_REHEARSALS = 5
_SCRIPT = b"""
import os
class Example:
    def f(self, n):
        return n if n < 2 else self.f(n - 1)
numbers = {str(i): Example().f(i) for i in range(3)}
try:
    with open(os.devnull, "w") as nothing:
        print(*numbers, sep="", file=nothing)
finally:
    del numbers
"""
_QUIET = 1  # milliseconds without a message, after which there is time to make a fork ahead


class Server:
    """The loop that forks, and watches the forks end.

    One fork is made ahead and waits for its script: to make one takes longer than many a task.
    """

    def __init__(self) -> None:
        self._incoming = b""
        self._running: list[int] = []
        self._spare: tuple[int, int, int] | None = None  # process id; where it reads what to run, and says that it does
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._block = _environment_block()

    def rehearse(self) -> None:
        """Do what each fork will do: what this needs of memory once, no fork has to make again."""
        for _ in range(_REHEARSALS):
            _touch(self._block)

    def serve(self) -> str:
        """Returns in a fork only: its script's path. The end of the connection ends this process."""
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poll = select.poll()
        poll.register(_CHANNEL, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        self._say("ready")
        ahead = True
        while True:
            events = poll.poll(_QUIET if ahead and self._spare is None else None)
            if not events:
                try:
                    script = self._make_spare()
                except OSError:
                    ahead, script = False, ""  # no room for it: the next one that is needed tries again, and says so
                if script:
                    return script
            for descriptor, _ in events:
                if descriptor == self._woken:
                    os.read(self._woken, 4096)
                    self._tell_ended()
                    continue
                for message in self._receive():
                    script = self._obey(message)
                    if script:
                        return script

    def _receive(self) -> list[list[Any]]:
        part = os.read(_CHANNEL, _READ_SIZE)
        if not part:
            os._exit(0)  # the runner is gone: the guard ends what is left
        lines = (self._incoming + part).split(b"\n")
        self._incoming = lines.pop()
        return [json.loads(line) for line in lines]

    def _say(self, *message: object) -> None:
        _write(_CHANNEL, json.dumps(message).encode() + b"\n")

    def _obey(self, message: list[Any]) -> str:
        """The script's path in a fork; empty here."""
        kind = message[0]
        if kind == "fork":
            return self._fork(message[1], message[2:])
        if kind == "reap":
            os.waitpid(message[1], 0)
        elif kind == "ping":
            self._say("alive")
        return ""

    def _tell_ended(self) -> None:
        for pid in list(self._running):
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self._running.remove(pid)
                self._say("ended", pid, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _fork(self, key: list[int], order: list[Any]) -> str:
        pid, answer = 0, b""
        for _ in range(2):  # one that was made ahead may have been killed while it waited
            if self._spare is None:
                try:
                    script = self._make_spare()
                except OSError as error:
                    self._say("failed", key, str(error))
                    return ""
                if script:
                    return script
            pid, answer = self._hand_over(order)
            if answer == _BEGUN:
                self._running.append(pid)
                self._say("forked", key, pid)
                return ""
            os.waitpid(pid, 0)
            if answer:
                break
        self._say("failed", key, answer.decode(errors="replace") or "it was ended before it began")
        return ""

    def _hand_over(self, order: list[Any]) -> tuple[int, bytes]:
        """Let the fork that was made ahead go: its process id and answer, which is empty if it has died."""
        assert self._spare is not None
        pid, orders, answers = self._spare
        self._spare = None
        try:
            _write(orders, json.dumps(order).encode())
        except BrokenPipeError:
            pass
        os.close(orders)
        answer = os.read(answers, 4096)
        os.close(answers)
        return pid, answer

    def _make_spare(self) -> str:
        """Returns in the fork when it is to run, and what; empty here. OSError: there can be none."""
        opened: list[int] = []
        try:
            opened += os.pipe()
            opened += os.pipe()
            pid = os.fork()
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        reading, orders, answers, writing = opened
        if pid:
            os.close(reading)
            os.close(writing)
            self._spare = pid, orders, answers
            return ""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (_CHANNEL, self._woken, self._wake, orders, answers):
                os.close(descriptor)
            _touch(self._block)
            script = self._become(*json.loads(_read_all(reading)))
            _write(writing, _BEGUN)
            os.close(writing)
        except BaseException as error:
            _write(writing, (str(error) or repr(error)).encode(errors="replace"))
            os._exit(1)
        return script

    def _become(self, script: str, arguments: list[str], environment: dict[str, str], log: str) -> str:
        """Make this fork what an interpreter is that was just started for the script.

        Its marks come first: from then on it is found by them, wherever it goes.
        """
        _show_environment(self._block, environment)
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(environment)
        directory = script.rpartition("/")[0]
        os.chdir(directory)
        sys.path.insert(0, directory)
        sys.argv = [script, *arguments]
        if hasattr(sys, "orig_argv"):  # since 3.10
            sys.orig_argv[2:] = sys.argv
        return script


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _read_all(descriptor: int) -> bytes:
    """What comes until the end, which without anything before it is the end of the fork server, and so of this."""
    parts: list[bytes] = []
    while True:
        part = os.read(descriptor, _READ_SIZE)
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    if not parts:
        os._exit(0)
    return b"".join(parts)


def _touch(block: tuple[int, int]) -> None:
    """Do once what is done for each script: the kernel copies the memory that this changes now, and not then."""
    environment = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    _show_environment(block, environment)
    with open(os.devnull, "rb") as file:
        script = file.read() + _SCRIPT
    exec(compile(script, "", "exec"), {})  # noqa: S102


def _environment_block() -> tuple[int, int]:
    """Where the kernel reads /proc/<pid>/environ from: an address and a length."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    return start, end - start


def _show_environment(block: tuple[int, int], environment: dict[str, str]) -> None:
    """Put as many of the last variables as there is room for, at least the marks, where the kernel shows them."""
    start, length = block
    text = b""
    for name, value in reversed(list(environment.items())):
        longer = os.fsencode(f"{name}={value}") + b"\0" + text
        if len(longer) > length:
            break
        text = longer
    ctypes.memset(start, 0, length)
    ctypes.memmove(start, text, len(text))


def _import(names: list[str]) -> None:
    """What cannot be imported is left to the tasks, whose own import says why."""
    for name in names:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:
            _show(error)


def main() -> tuple[str, dict[str, None]]:
    """Serve; in a fork: its script's path, and the names of the modules that were there before it, in their order."""
    os.set_inheritable(_CHANNEL, False)
    _import(sys.argv[1:])
    server = Server()
    server.rehearse()
    gc.collect()
    gc.disable()
    gc.freeze()  # a fork's garbage collector need not touch, and so copy, what is here already
    before = dict.fromkeys(sys.modules)
    script = server.serve()
    gc.enable()
    return script, before


def main_module(script: str) -> dict[str, Any]:
    """The namespace of a new `__main__`."""
    module = type(sys)("__main__")
    module.__dict__.update(
        __file__=script, __cached__=None, __loader__=type(__loader__)("__main__", script), __builtins__=builtins
    )
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module.__dict__


def code_of(script: str) -> CodeType:
    """SyntaxError, ValueError: as from an interpreter."""
    with open(script, "rb") as file:
        return compile(file.read(), script, "exec", dont_inherit=True)


def exit_code_of(error: BaseException) -> int:
    """What an interpreter makes of an exception that nobody caught, saying what it says; negative: a signal."""
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        sys.stderr.write(f"{error.code}\n")
        return 1
    own = error.__traceback__
    while own is not None and own.tb_frame.f_code.co_filename == __file__:
        own = own.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(own), own)
    except SystemExit as another:
        return exit_code_of(another)
    except BaseException as another:
        _show(another)
    return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def leave(code: int, before: dict[str, None]) -> NoReturn:
    """End as an interpreter does, but take apart only what the script has made.

    To take apart what was there before the fork copies most of its memory, which takes longer than the fork.
    """
    if "threading" in sys.modules:
        _do(sys.modules["threading"]._shutdown)  # waits for all threads that are not daemons
    _do(atexit._run_exitfuncs)  # pyright: ignore
    for name in ["__main__", *_imported_since(before)]:
        sys.modules.pop(name, None)
    _do(gc.collect)  # whose finalizers still find their modules complete
    _do(_flush_files)
    if not _flush_streams():
        code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _newest_first(names: dict[str, Any]) -> Iterator[str]:
    return reversed(names) if sys.version_info >= (3, 8) else reversed(list(names))


def _imported_since(before: dict[str, None]) -> list[str]:
    """From the newest back to what was there: to look at all names would copy the memory that they are in.

    All are looked at where there are more: the last one that was there has been imported again.
    """
    last = next(_newest_first(before))
    found: list[str] = []
    for name in _newest_first(sys.modules):
        if name == last:
            break
        if name not in before:
            found.append(name)
    if len(found) < len(sys.modules) - len(before):
        return [name for name in sys.modules if name not in before]
    return found[::-1]


def _do(step: Any) -> None:
    try:
        step()
    except BaseException as error:
        _show(error)


def _show(error: BaseException) -> None:
    sys.__excepthook__(type(error), error, error.__traceback__)


def _flush_files() -> None:
    """What a file still holds that is open somewhere, be it in a module that was there before."""
    for found in gc.get_objects():  # without what is frozen
        if isinstance(found, _IOBase):
            try:
                found.flush()
            except (OSError, ValueError):  # no room, or closed: an interpreter is silent about it as well
                pass


def _flush_streams() -> bool:
    """False: what was printed is not where it should be."""
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:  # pyright: ignore  # a script may have set it to None
                stream.flush()
        except (AttributeError, OSError, ValueError):
            flushed = False
    return flushed


if __name__ == "__main__":
    script, modules = main()
    this = sys.modules["__main__"]  # kept: its functions are needed to the end
    exit_code = 0
    try:
        exec(code_of(script), main_module(script))  # noqa: S102
    except BaseException as error:
        exit_code = exit_code_of(error)
    leave(exit_code, modules)
