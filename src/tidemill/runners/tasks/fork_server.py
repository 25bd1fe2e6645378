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
    from types import CodeType
    from typing import Any, NoReturn

_CHANNEL = 3  # descriptor
_READ_SIZE = 64 * 1024


class Server:
    """The loop that forks, and watches the forks end."""

    def __init__(self) -> None:
        self._incoming = b""
        self._running: list[int] = []
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._block = _environment_block()

    def serve(self) -> str:
        """Returns in a fork only: its script's path. The end of the connection ends this process."""
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poll = select.poll()
        poll.register(_CHANNEL, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        self._say("ready")
        while True:
            for descriptor, _ in poll.poll():
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
        rest = json.dumps(message).encode() + b"\n"
        while rest:
            rest = rest[os.write(_CHANNEL, rest) :]

    def _obey(self, message: list[Any]) -> str:
        """The script's path in a fork; empty here."""
        kind = message[0]
        if kind == "fork":
            return self._fork(*message[1:])
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

    def _fork(self, key: list[int], script: str, arguments: list[str], environment: dict[str, str], log: str) -> str:
        opened: list[int] = []
        try:
            opened.append(os.open(log, os.O_WRONLY | os.O_APPEND))
            opened += os.pipe()  # through which the fork says why it cannot begin; its end alone means that it has
            pid = os.fork()
        except OSError as error:
            for descriptor in opened:
                os.close(descriptor)
            self._say("failed", key, str(error))
            return ""
        output, reading, writing = opened
        if pid == 0:
            try:
                os.close(reading)
                self._become(script, arguments, environment, output)
                os.close(writing)
            except BaseException as error:
                os.write(writing, (str(error) or repr(error)).encode(errors="replace"))
                os._exit(1)
            return script
        os.close(output)
        os.close(writing)
        failed = os.read(reading, 4096)
        os.close(reading)
        if failed:
            os.waitpid(pid, 0)
            self._say("failed", key, failed.decode(errors="replace"))
        else:
            self._running.append(pid)
            self._say("forked", key, pid)
        return ""

    def _become(self, script: str, arguments: list[str], environment: dict[str, str], output: int) -> None:
        """Make this fork what an interpreter is that was just started for the script.

        Its marks come first: from then on it is found by them, wherever it goes.
        """
        _show_environment(self._block, environment)
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (_CHANNEL, self._woken, self._wake):
            os.close(descriptor)
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


def main() -> tuple[str, set[str]]:
    """Serve; in a fork: its script's path, and the names of the modules that were there before it."""
    os.set_inheritable(_CHANNEL, False)
    _import(sys.argv[1:])
    server = Server()
    gc.collect()
    gc.disable()
    gc.freeze()  # a fork's garbage collector need not touch, and so copy, what is here already
    script = server.serve()
    gc.enable()
    return script, set(sys.modules)


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


def leave(code: int, before: set[str]) -> NoReturn:
    """End as an interpreter does, but take apart only what the script has made.

    To take apart what was there before the fork copies most of its memory, which takes longer than the fork.
    """
    if "threading" in sys.modules:
        _do(sys.modules["threading"]._shutdown)  # waits for all threads that are not daemons
    _do(atexit._run_exitfuncs)  # pyright: ignore
    for name in [name for name in sys.modules if name not in before or name == "__main__"]:
        del sys.modules[name]
    _do(gc.collect)  # whose finalizers still find their modules complete
    _do(_flush_files)
    if not _flush_streams():
        code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


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
