"""The journal by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tidemill.runners.local import journal as journal_module
from tidemill.runners.local.journal import Content, Journal, note_gone

if TYPE_CHECKING:
    from pathlib import Path


def row(instance: int, outcome: str = "exited") -> tuple[int, int, str, int | None, int, int, int, str]:
    return (instance, 1, outcome, 0, 1000, 2000, 99, "")


def test_a_journal_tells_the_next_runner_what_is_open_and_what_is_done(tmp_path: Path) -> None:
    path = str(tmp_path / "journal")
    first = Journal(path)
    first.accept([(1, 1), (2, 1), (3, 1)])
    first.started((3, 1), 42, 1234, 5)
    first.ended(row(1))
    first.ended(row(2))
    first.acknowledged([(2, 1)])
    first.flush()
    note_gone(path)
    second = Journal(path)
    assert second.results[1, 1] == row(1)
    lost = second.results[3, 1]
    assert (lost[2], lost[3], lost[4], lost[6], lost[7]) == ("lost", None, 1234, 42, "the runner died")
    assert set(second.results) == {(1, 1), (3, 1)}


def test_torn_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(str(path)).accept([(1, 1)])
    with path.open("ab") as file:
        file.write(b'["ended",[1,1,"exi')
    note_gone(str(path))
    with path.open("ab") as file:
        file.write(b'\0\0\0\n["accepted"]\n17\n["accepted",[[2,1]]]\n["accepted",[[3,1]]')
    content = Content()
    content.read(str(path))
    assert content.results[1, 1][2] == "lost"
    assert set(content.unfinished) == {(2, 1)}


def test_a_restart_of_the_machine_loses_what_had_not_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "journal")
    first = Journal(path)
    first.accept([(1, 1), (2, 1)])
    first.ended(row(1))
    first.flush()
    monkeypatch.setattr(journal_module, "boot_id", lambda: "another")
    second = Journal(path)
    assert second.results[1, 1] == row(1)
    assert second.results[2, 1][2] == "lost"
    assert "machine" in second.results[2, 1][7]


def test_a_long_journal_is_written_anew_with_what_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_COMPACT_AT", 4096)
    path = tmp_path / "journal"
    journal = Journal(str(path))
    journal.accept([(0, 1), (-1, 1)])
    journal.started((-1, 1), 7, 8, 9)
    for instance in range(1, 500):
        journal.accept([(instance, 1)])
        journal.ended(row(instance))
        journal.acknowledged([(instance, 1)] if instance % 100 else [])
        journal.flush()
        assert path.stat().st_size < 8192
    content = Content()
    content.read(str(path))
    assert set(content.results) == {(100, 1), (200, 1), (300, 1), (400, 1)}
    assert set(content.unfinished) == {(0, 1), (-1, 1)}
    assert content.unfinished[-1, 1].process_id == 7
    assert json.loads(path.read_text().splitlines()[0])[2] == journal_module.boot_id()


def test_a_write_that_fails_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    journal = Journal(str(path))
    before = path.read_bytes()
    write = journal_module.os.write

    def short(descriptor: int, data: bytes) -> int:
        if len(data) > 5:
            return write(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_module.os, "write", short)
    journal.ended(row(9))
    journal.flush()
    with pytest.raises(OSError, match="No space"):
        journal.accept([(1, 1)])
    assert path.read_bytes() == before
    monkeypatch.setattr(journal_module.os, "write", write)
    journal.flush()
    content = Content()
    content.read(str(path))
    assert set(content.results) == {(9, 1)}
    assert not content.unfinished
