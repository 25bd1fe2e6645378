"""What the runner accepted and how it ended, in a file that outlives both runner and server (engine 23).

One JSON array a line: `["a", instance, run]` before a run is spawned, `["x", instance, run, …]` when it ended,
`["k", instance, run]` when the server has it. Lines are written, not synced: no process's death loses them. After power
loss the server goes by the machine's boot, not by this file.
"""

import json
import os
from collections.abc import Iterable, Sequence

from tidemill.runners.contract import Result

Key = tuple[int, int]
_COMPACT_AFTER = 20_000  # lines
_NAME = "journal"


class Journal:
    """`accepted` runs have no end yet; `ended` ones wait for the server to acknowledge them."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, _NAME)
        self.accepted: set[Key] = set()
        self.ended: dict[Key, Result] = {}
        self._lines = 0
        self._size = 0
        self._read()
        self._file = -1
        self._compact()

    def accept(self, keys: Iterable[Key]) -> None:
        """Note runs that are about to be spawned. Raises OSError (a full disk), and then has noted none."""
        chosen = list(keys)
        self._append([["a", *key] for key in chosen])
        self.accepted.update(chosen)

    def end(self, results: Sequence[Result]) -> None:
        """Note how runs ended. Where the disk is full they are kept in memory, and sent to the server all the same."""
        for result in results:
            key = (result.instance, result.run_number)
            self.accepted.discard(key)
            self.ended[key] = result
        try:
            self._append([_line(result) for result in results])
        except OSError:
            self._lines = _COMPACT_AFTER  # written with the next compaction

    def acknowledge(self, keys: Iterable[Key]) -> None:
        """Forget ended runs that the server has settled."""
        known = [key for key in keys if self.ended.pop(key, None) is not None]
        try:
            self._append([["k", *key] for key in known])
            if self._lines >= _COMPACT_AFTER and not self.accepted:
                self._compact()
        except OSError:
            pass  # they are delivered again, and the server ignores them

    def close(self) -> None:
        os.close(self._file)

    def _append(self, lines: Sequence[Sequence[object]]) -> None:
        data = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
        if not data:
            return
        try:
            written = os.write(self._file, data)
            if written < len(data):
                raise OSError(28, "No space left on device")
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += written
        self._lines += len(lines)

    def _read(self) -> None:
        try:
            with open(self._path, "rb") as file:
                text = file.read()
        except FileNotFoundError:
            return
        for line in text.split(b"\n")[:-1]:  # what follows the last newline was torn off by a crash
            try:
                self._apply(json.loads(line))
            except (ValueError, TypeError, IndexError):
                continue

    def _apply(self, line: list[object]) -> None:
        kind, instance, run_number, *rest = line
        key = (int(str(instance)), int(str(run_number)))
        if kind == "a":
            self.accepted.add(key)
        elif kind == "x":
            self.accepted.discard(key)
            self.ended[key] = Result(*key, *rest)  # type: ignore[arg-type]
        elif kind == "k":
            self.ended.pop(key, None)

    def _compact(self) -> None:
        """Write the file anew with what still matters, and put it in the old one's place."""
        lines = [["a", *key] for key in sorted(self.accepted)] + [_line(result) for result in self.ended.values()]
        data = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
        new = f"{self._path}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        written = os.write(file, data)
        if written < len(data):
            os.close(file)
            raise OSError(28, "No space left on device")
        os.fsync(file)
        os.rename(new, self._path)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size, self._lines = file, written, len(lines)


def _line(r: Result) -> list[object]:
    return ["x", r.instance, r.run_number, r.outcome, r.exit_code, r.started, r.ended, r.process_id, r.message]
