"""Half a minute of real faults, on SQLite and on a PostgreSQL of its own; `make chaos` goes on for longer."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign, crash_postgresql
from tests.chaos.servers import postgresql_of_its_own
from tidemill.store.engine import open_database


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tidemill-chaos-") as name:
        yield Path(name)


def test_nothing_is_lost_doubled_or_stuck_on_sqlite(place: Path) -> None:
    report = Campaign(place, seed=1).run(15)
    assert report.broken == []
    assert report.runs > 100
    assert report.faults


def test_nor_on_postgresql(place: Path) -> None:
    with postgresql_of_its_own(place / "postgresql") as url:
        victim = open_database(url)
        report = Campaign(place, 2, url, lambda: crash_postgresql(victim)).run(15)
        victim.close()
    assert report.broken == []
    assert report.runs > 100
    assert report.faults["crash db"]
