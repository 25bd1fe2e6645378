"""Bringing a database to the schema that `tables.py` declares: new ones get the tables, old ones the migrations.

Alembic is imported only when there is something to migrate, because its import would be paid at every start.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from tidemill.store.ids import first_ids
from tidemill.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"


def prepare(db: Connection) -> None:
    """Create or migrate the schema, in the caller's transaction. Repeating it changes nothing."""
    tables = inspect(db).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise ValueError("the database holds tables, but not Tidemill's: name an empty one")
        metadata.create_all(db)
        first_ids(db)
        db.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        db.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    elif db.execute(text("SELECT version_num FROM alembic_version")).scalar() != HEAD:
        migrate(db)


def check_current(db: Connection) -> None:
    """Raises ValueError for a database that is not Tidemill's, or of another version."""
    tables = inspect(db).get_table_names()
    version = None
    if "alembic_version" in tables:
        version = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is None:
        raise ValueError("the database does not hold Tidemill's tables")
    if version != HEAD:
        raise ValueError(
            f"the database has the schema {version}, this Tidemill {HEAD}: a start of the server brings it on"
        )


def configuration(db: Connection) -> "Config":
    """Alembic's, for this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = db
    return config


def migrate(db: Connection) -> None:
    """Run the migrations that the database has not had yet."""
    from alembic import command

    command.upgrade(configuration(db), "head")
