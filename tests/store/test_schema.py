"""New databases get the tables, old ones the migrations; both end alike."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tidemill.store.engine import Database, open_database
from tidemill.store.schema import HEAD, configuration, prepare
from tidemill.store.tables import metadata


def test_migrations_end_at_the_declared_schema(database_url: str, tmp_path: Path) -> None:
    migrated = open_database(database_url, synchronous="OFF")
    try:
        with migrated.write() as db:
            command.upgrade(configuration(db), "head")
            if migrated.is_sqlite:  # Alembic cannot read SQLite's indexes on expressions: compare the very texts
                assert schema(db) == fresh_schema(tmp_path)
            else:
                assert compare_metadata(MigrationContext.configure(db), metadata) == []
    finally:
        migrated.close()


def schema(db: Connection) -> dict[str, list[str]]:
    """Each table's and index's text, in pieces: constraints may stand in any order."""
    rows = db.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"))
    return {name: sorted(piece.rstrip(")") for piece in "".join(sql.split()).split(",")) for name, sql in rows}


def fresh_schema(tmp_path: Path) -> dict[str, list[str]]:
    fresh = open_database(f"sqlite:///{tmp_path / 'fresh.db'}", synchronous="OFF")
    with fresh.write() as db:
        prepare(db)
        found = schema(db)
    fresh.close()
    return found


def test_preparing_twice_changes_nothing(database: Database) -> None:
    with database.write() as db:
        prepare(db)
        assert db.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


def test_the_stamp_is_the_newest_migration(database: Database) -> None:
    with database.read() as db:
        assert ScriptDirectory.from_config(configuration(db)).get_current_head() == HEAD


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    with other.write() as db:
        db.execute(text("CREATE TABLE mine (id INTEGER)"))
        with pytest.raises(ValueError, match="name an empty one"):
            prepare(db)
    other.close()
