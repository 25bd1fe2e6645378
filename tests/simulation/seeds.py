"""From a seed to a simulation: how many servers, and how much goes wrong, are the seed's as well."""

import tempfile
from pathlib import Path

from tests.simulation.world import Report, World
from tidemill.store.engine import Database, open_database
from tidemill.store.schema import prepare

_RATES = (0.002, 0.01, 0.03)


def simulate(seed: int, database: Database, place: Path) -> Report:
    """On a database that has the schema, and nothing else."""
    return World(seed, database, place, servers=1 + seed % 3, rate=_RATES[seed // 3 % 3]).simulate()


def simulate_on_sqlite(seed: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="tidemill-soak-") as place:
        database = open_database(f"sqlite:///{Path(place) / 'soak.db'}", "OFF")
        with database.write() as db:
            prepare(db)
        try:
            return simulate(seed, database, Path(place))
        finally:
            database.close()
