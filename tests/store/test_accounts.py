"""What a fresh installation has, and how secrets are kept."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.settings import Settings
from tidemill.store.accounts import Keys, NewKey, ensure_first_start, fernet
from tidemill.store.engine import Database, open_database
from tidemill.store.parameters import Vault
from tidemill.store.schema import prepare

NOW = 1_762_128_000_000


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'accounts.db'}", "OFF")
    with database.write() as db:
        prepare(db)
    yield database
    database.close()


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings.model_validate({"data": tmp_path, **more})


def start(database: Database, given: Settings) -> NewKey | None:
    with database.write() as db:
        return ensure_first_start(db, given, NOW)


def secret(database: Database, given: Settings, id: str) -> str | None:
    key = Keys(database, given).find(id, NOW)
    return None if key is None else key.secret


def test_the_first_start_makes_an_account_a_project_and_a_key(database: Database, tmp_path: Path) -> None:
    given = settings(tmp_path, secret_key="k", time_zone="Europe/Berlin")
    made = start(database, given)
    assert made is not None
    assert secret(database, given, made.access_key_id) == made.access_key_secret
    with database.read() as db:
        assert db.exec_driver_sql("SELECT id, name, time_zone FROM project").all() == [
            (10000, "default", "Europe/Berlin")
        ]
        assert db.exec_driver_sql("SELECT id, slots FROM resource_group").all() == [("S_res_group_default", 16)]
        assert db.exec_driver_sql("SELECT * FROM project_member").all() == [(10000, "1000", "Administrator")]
        stored = db.exec_driver_sql("SELECT secret_encrypted FROM access_key").scalar_one()
    assert made.access_key_secret not in stored
    assert made.access_key_secret not in repr(made)
    assert start(database, given) is None


def test_a_key_in_the_settings_is_added_and_later_changed(sqlite: Database, tmp_path: Path) -> None:
    first = settings(tmp_path, access_key_id="mine", access_key_secret="one")
    assert start(sqlite, first) is None
    assert start(sqlite, first) is None
    assert secret(sqlite, first, "mine") == "one"
    second = settings(tmp_path, access_key_id="mine", access_key_secret="two")
    start(sqlite, second)
    assert secret(sqlite, second, "mine") == "two"
    start(sqlite, settings(tmp_path, access_key_id="other", access_key_secret="x"))
    assert secret(sqlite, second, "mine") == "two"


def test_half_a_key_is_refused(sqlite: Database, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both or neither"):
        start(sqlite, settings(tmp_path, access_key_id="mine"))


def test_the_key_file_is_closed_to_others(sqlite: Database, tmp_path: Path) -> None:
    start(sqlite, settings(tmp_path / "deep" / "data"))
    files = list((tmp_path / "deep" / "data").iterdir())
    assert [file.name for file in files] == ["secret.key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_postgresql_needs_the_secret_key_as_a_setting(database: Database, tmp_path: Path) -> None:
    if database.is_sqlite:
        start(database, settings(tmp_path))
    else:
        with pytest.raises(ValueError, match="TIDEMILL_SECRET_KEY"):
            start(database, settings(tmp_path))


def test_another_secret_key_is_told_apart(sqlite: Database, tmp_path: Path) -> None:
    made = start(sqlite, settings(tmp_path, secret_key="one"))
    assert made is not None
    with pytest.raises(ValueError, match="secret_key"):
        secret(sqlite, settings(tmp_path, secret_key="two"), made.access_key_id)


def test_a_key_that_was_looked_up_is_trusted_for_some_seconds(sqlite: Database, tmp_path: Path) -> None:
    given = settings(tmp_path, access_key_id="mine", access_key_secret="one")
    start(sqlite, given)
    keys = Keys(sqlite, given)
    assert keys.find("mine", NOW) is not None
    with sqlite.write() as db:
        db.exec_driver_sql("DELETE FROM access_key")
    assert keys.find("mine", NOW + 4_000) is not None
    assert keys.find("mine", NOW + 6_000) is None
    start(sqlite, given)
    assert keys.find("mine", NOW + 6_000) is not None
    with sqlite.write() as db:
        db.exec_driver_sql("DELETE FROM access_key")
    keys.forget()
    assert keys.find("mine", NOW + 6_000) is None


def test_a_start_without_the_key_of_what_is_stored_is_refused(sqlite: Database, tmp_path: Path) -> None:
    """As after a restore of the database alone."""
    start(sqlite, settings(tmp_path / "one"))
    with pytest.raises(ValueError, match=r"secret_key: .* access keys, and .* there is no file .*two/secret.key"):
        start(sqlite, settings(tmp_path / "two"))
    assert not (tmp_path / "two").exists()
    (tmp_path / "two").mkdir()
    (tmp_path / "two/secret.key").write_text("another")
    with pytest.raises(ValueError, match=r"the key in the file .*two/secret.key opens none of them"):
        start(sqlite, settings(tmp_path / "two"))
    (tmp_path / "two/secret.key").write_text((tmp_path / "one/secret.key").read_text())
    assert start(sqlite, settings(tmp_path / "two")) is None


def test_a_start_with_another_secret_key_in_the_settings_is_refused(database: Database, tmp_path: Path) -> None:
    start(database, settings(tmp_path, secret_key="one"))
    with pytest.raises(ValueError, match="the setting secret_key opens none of them"):
        start(database, settings(tmp_path, secret_key="two"))
    assert start(database, settings(tmp_path, secret_key="one")) is None


def test_a_key_in_the_settings_is_a_way_in_unless_secrets_would_be_lost(database: Database, tmp_path: Path) -> None:
    start(database, settings(tmp_path, secret_key="one"))
    mine = settings(tmp_path, secret_key="two", access_key_id="mine", access_key_secret="s")
    start(database, mine)
    assert secret(database, mine, "mine") == "s"
    start(database, settings(tmp_path, secret_key="two"))
    closed = Vault(fernet(settings(tmp_path, secret_key="three"), sqlite=database.is_sqlite)).closed("hidden")
    with database.write() as db:
        db.exec_driver_sql(
            "INSERT INTO parameter (id, project_id, version, name, type, owner, create_time, modify_time) "
            "VALUES (1, 10000, 1, 'workspace.a', 'SecretConstant', '1000', 0, 0)"
        )
        db.exec_driver_sql(
            "INSERT INTO parameter_version (parameter_id, version, owner, properties, create_time) "
            f"VALUES (1, 1, '1000', '{json.dumps({'Prod': closed})}', 0)"
        )
    other = {"access_key_id": "mine", "access_key_secret": "s"}
    with pytest.raises(ValueError, match="secret parameters, and the setting secret_key opens none"):
        start(database, settings(tmp_path, secret_key="four", **other))
    assert start(database, settings(tmp_path, secret_key="three", **other)) is None
