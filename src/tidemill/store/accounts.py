"""Accounts and access keys, and what a fresh installation has (decision 11).

HMAC needs a key's secret in clear, so secrets are stored encrypted (Fernet). The encrypting key is the setting
`secret_key`, or on SQLite a file in the data directory that only its owner reads.
"""

import base64
import hashlib
import os
import secrets
import string
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, insert, select, update

from tidemill.settings import Settings
from tidemill.store.engine import Database
from tidemill.store.ids import DEFAULT_PROJECT
from tidemill.store.tables import access_key, account, project, project_member, resource_group

FIRST_ACCOUNT = "1000"
DEFAULT_RESOURCE_GROUP = "S_res_group_default"
_ALPHABET = string.ascii_letters + string.digits
_KEPT = 5.0  # seconds that a decrypted key is trusted


@dataclass(frozen=True, slots=True)
class Key:
    access_key_id: str
    secret: str
    account_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    access_key_id: str
    access_key_secret: str


def fernet(settings: Settings, *, sqlite: bool) -> Fernet:
    """What encrypts secrets at rest. Raises ValueError on PostgreSQL without the setting."""
    given = settings.secret_key.get_secret_value()
    if not given:
        if not sqlite:
            raise ValueError("secret_key: on PostgreSQL set TIDEMILL_SECRET_KEY, the same for every server")
        given = _key_file(settings.data / "secret.key")
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(given.encode()).digest()))


def _key_file(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(file, secrets.token_urlsafe(32).encode())
        os.fsync(file)
        os.close(file)
        new.rename(path)
    return path.read_text().strip()


class Keys:
    """Access keys by id; a decrypted one is kept for a few seconds, so that a request does not pay for it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._fernet = fernet(settings, sqlite=database.is_sqlite)
        self._kept: dict[str, tuple[float, Key | None]] = {}

    def find(self, access_key_id: str) -> Key | None:
        """The key, None if there is none of that id. Raises ValueError if it was encrypted with another secret key."""
        kept = self._kept.get(access_key_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        if len(self._kept) > 10_000:
            self._kept.clear()
        key = self._load(access_key_id)
        self._kept[access_key_id] = (time.monotonic() + _KEPT, key)
        return key

    def _load(self, access_key_id: str) -> Key | None:
        k, a = access_key.c, account.c
        statement = (
            select(k.secret_encrypted, k.account_id, k.status, a.status)
            .join_from(access_key, account, a.id == k.account_id)
            .where(k.id == access_key_id)
        )
        with self._database.read() as db:
            row = db.execute(statement).one_or_none()
        if row is None:
            return None
        try:
            secret = self._fernet.decrypt(row[0].encode()).decode()
        except InvalidToken:
            raise ValueError("access keys were encrypted with another secret_key") from None
        return Key(access_key_id, secret, row[1], row[2] == "Active" and row[3] == "Active")


def ensure_first_start(db: Connection, settings: Settings, now: int) -> NewKey | None:
    """Make what a fresh installation has, and the key that the settings name; returns a key only if it made one up."""
    fresh = db.execute(select(account.c.id).limit(1)).one_or_none() is None
    if fresh:
        _fresh(db, settings, now)
    key_id, secret = settings.access_key_id, settings.access_key_secret.get_secret_value()
    if bool(key_id) != bool(secret):
        raise ValueError("access_key_id and access_key_secret: set both or neither")
    if key_id:
        _put_key(db, settings, key_id, secret, now)
        return None
    if not fresh:
        return None
    made = NewKey("LTAI" + _random(20), _random(30))
    _put_key(db, settings, made.access_key_id, made.access_key_secret, now)
    return made


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _fresh(db: Connection, settings: Settings, now: int) -> None:
    db.execute(insert(account).values(id=FIRST_ACCOUNT, name="admin", status="Active", create_time=now))
    db.execute(
        insert(project).values(
            id=DEFAULT_PROJECT,
            name="default",
            display_name="default",
            owner=FIRST_ACCOUNT,
            status="Available",
            time_zone=settings.time_zone,
            create_time=now,
            create_user=FIRST_ACCOUNT,
            modify_time=now,
            modify_user=FIRST_ACCOUNT,
        )
    )
    db.execute(
        insert(project_member).values(project_id=DEFAULT_PROJECT, account_id=FIRST_ACCOUNT, role="Administrator")
    )
    db.execute(
        insert(resource_group).values(
            id=DEFAULT_RESOURCE_GROUP, name=DEFAULT_RESOURCE_GROUP, slots=settings.resource_group_slots
        )
    )


def _put_key(db: Connection, settings: Settings, key_id: str, secret: str, now: int) -> None:
    encrypting = fernet(settings, sqlite=db.dialect.name == "sqlite")
    row = db.execute(select(access_key.c.secret_encrypted).where(access_key.c.id == key_id)).one_or_none()
    encrypted = encrypting.encrypt(secret.encode()).decode()
    if row is None:
        db.execute(
            insert(access_key).values(
                id=key_id, account_id=FIRST_ACCOUNT, secret_encrypted=encrypted, status="Active", create_time=now
            )
        )
    else:
        db.execute(update(access_key).where(access_key.c.id == key_id).values(secret_encrypted=encrypted))
