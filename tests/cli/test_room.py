"""Whether there is room on the disk, and how often the log says so."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from tidemill.cli import room
from tidemill.cli.room import Room

MEBIBYTE = 2**20


def test_there_is_room_again_only_with_a_quarter_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = iter((64, 63, 64, 63, 79, 80, 64, 63))
    monkeypatch.setattr(
        room.os, "statvfs", lambda _: SimpleNamespace(f_bavail=next(free), f_frsize=MEBIBYTE, f_blocks=1_000)
    )
    monkeypatch.setattr(room, "_BETWEEN_LOOKS", 0.0)
    has_room = Room((tmp_path,), 64 * MEBIBYTE)
    with caplog.at_level(logging.WARNING):
        found = [has_room() for _ in range(8)]
    assert found == [True, False, False, False, False, True, True, False]
    assert [message.split(":")[0] for message in caplog.messages] == [
        "the disk is full", "there is room on the disk again", "the disk is full",
    ]  # fmt: skip
    assert "until there are 80 MiB" in caplog.messages[0]
