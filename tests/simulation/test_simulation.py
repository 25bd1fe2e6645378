"""A few seeds of the simulation; `make soak` runs them by the hour. A seed that once broke a promise stays here."""

from pathlib import Path

import pytest

from tests.simulation.seeds import simulate, simulate_on_sqlite
from tidemill.store.engine import Database

# 36: an isolated instance, which a person has to let go. 1089: an expired instance waited for one that was replaced.
ONE_SERVER = [0, 3, 6, 9, 12, 15, 18, 36, 1089]
SEVERAL = [4]


@pytest.mark.parametrize("seed", ONE_SERVER + SEVERAL)
def test_a_seed_breaks_no_promise(seed: int) -> None:
    report = simulate_on_sqlite(seed)
    assert report.broken == []
    assert report.runs
    assert report.faults


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nor_does_one_on_postgresql(database: Database, tmp_path: Path) -> None:
    report = simulate(6, database, tmp_path)
    assert report.broken == []
    assert report.runs > 100


def test_the_same_seed_gives_the_same_history() -> None:
    """P7, with all that went wrong."""
    first, second = simulate_on_sqlite(6), simulate_on_sqlite(6)
    assert first.digest == second.digest
    assert first == second
    assert first.digest != simulate_on_sqlite(15).digest
