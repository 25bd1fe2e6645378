"""Logs: their names, their cap, and reading them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tidemill.runners.local import capped_log
from tidemill.runners.local.capped_log import CappedLog
from tidemill.runners.logs import last_line, log_path, read_log, read_range

if TYPE_CHECKING:
    from pathlib import Path

LINE = b"0123456789abcde\n"


def test_a_log_is_named_for_its_day_instance_and_run() -> None:
    assert log_path(date(2026, 1, 2), 100345, 2) == "logs/20260102/100345-2.log"


@pytest.mark.parametrize(
    ("content", "first", "last", "text"),
    [
        pytest.param(b"", 4, 4, "", id="empty"),
        pytest.param(b"12345678", 4, 4, "12345678", id="as much as may be shown"),
        pytest.param(b"123456789", 4, 4, "1234\n[... 1 bytes left out ...]\n6789", id="one more"),
        pytest.param(b"a\xffb", 4, 4, "a\ufffdb", id="not UTF-8"),
        pytest.param(b"a\0b", 4, 4, "a\0b", id="a zero byte of the task's own"),
        pytest.param(b"123456789", 0, 3, "\n[... 6 bytes left out ...]\n789", id="only the end"),
    ],
)
def test_reading_shows_the_beginning_and_the_end(
    tmp_path: Path, content: bytes, first: int, last: int, text: str
) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    assert read_log(path, first, last) == text


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none") == ""
    assert read_range(tmp_path / "none", 0, 10) == b""


def test_a_range_is_raw(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\xff\0bcd")
    assert read_range(path, 1, 3) == b"\xff\0b"
    assert read_range(path, 5, 100) == b"d"
    assert read_range(path, 7, 100) == b""


@pytest.mark.parametrize("holes", [True, False], ids=["with holes", "without holes"])
def test_a_log_stays_below_its_cap_however_long_the_task_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holes: bool
) -> None:
    if not holes:
        monkeypatch.setattr(capped_log, "punch_hole", lambda *_: False)
    path, cap, written = tmp_path / "log", 64 * 1024, 0
    with path.open("ab", buffering=0) as task:
        log = CappedLog(str(path), cap)
        for _ in range(40):
            written += task.write(LINE * 1024)
            log.keep_below_cap()
            assert path.stat().st_blocks * 512 <= cap + 4096
        written += task.write(b"the end\n")
    text = read_log(path)
    before, rest = text.split("\n[... ")
    number, after = rest.split(" bytes left out ...]\n")
    assert before == (LINE * 1024).decode()[: len(before)]
    assert after.endswith(LINE.decode() + "the end\n")
    assert "\0" not in text
    assert len(before) + int(number) + len(after) == written


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\n \n", "", id="nothing but blanks"),
        pytest.param(b"a\nb,c\n\n  \n", "b,c", id="blank lines after it"),
        pytest.param(b"only", "only", id="one line without an end"),
        pytest.param(b"x\n" + b"y" * 100_000 + b"\n", "y" * 100_000, id="a long line"),
        pytest.param(b"x\ny" + b"\n" * 100_000, "y", id="far from the end"),
        pytest.param(b"a\n\xff", "\ufffd", id="not UTF-8"),
    ],
)
def test_the_last_line_that_is_not_blank(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "log").write_bytes(content)
    assert last_line(tmp_path / "log") == line


def test_the_last_line_of_no_log_is_empty(tmp_path: Path) -> None:
    assert last_line(tmp_path / "log") == ""
