"""Accounts and access keys, and what a fresh installation has (decision 11).

HMAC needs a key's secret in clear, so secrets are stored encrypted (Fernet). The encrypting key is the setting
`secret_key`, or on SQLite a file in the data directory that only its owner reads.
"""

import base64
import hashlib
import json
import logging
import os
import secrets
import string
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, insert, select, update

from tidemill.settings import Settings
from tidemill.store.engine import Database
from tidemill.store.ids import DEFAULT_PROJECT
from tidemill.store.parameters import HIDDEN
from tidemill.store.statements import Statement, String, bindparam
from tidemill.store.tables import (
    access_key,
    account,
    parameter,
    parameter_version,
    project,
    project_member,
    resource_group,
)

log = logging.getLogger(__name__)

FIRST_ACCOUNT = "1000"
DEFAULT_RESOURCE_GROUP = "S_res_group_default"
_ALPHABET = string.ascii_letters + string.digits
ACTIVE = "Active"
_KEPT = 5_000  # ms that a key is trusted without looking again

_find_key = Statement(
    select(access_key.c.secret_encrypted, access_key.c.account_id, access_key.c.status, account.c.status)
    .join_from(access_key, account, account.c.id == access_key.c.account_id)
    .where(access_key.c.id == bindparam("access_key_id", type_=String))
)


@dataclass(frozen=True, slots=True)
class Key:
    access_key_id: str
    secret: str = field(repr=False)
    account_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    access_key_id: str
    access_key_secret: str = field(repr=False)


def fernet(settings: Settings, *, sqlite: bool) -> Fernet:
    """What encrypts secrets at rest. Raises ValueError on PostgreSQL without the setting."""
    given = settings.secret_key.get_secret_value()
    if not given:
        if not sqlite:
            raise ValueError("secret_key: on PostgreSQL set TIDEMILL_SECRET_KEY, the same for every server")
        given = _key_file(settings.data / "secret.key")
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(given.encode()).digest()))


def _key_file(path: Path) -> str:
    """The key that the file holds, or a new one. Two that start at once end with the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, secrets.token_urlsafe(32).encode())
            os.fsync(file)
            with suppress(FileExistsError):
                os.link(new, path)  # whole, or not there
        finally:
            os.close(file)
            new.unlink()
    return path.read_text().strip()


class Keys:
    """Access keys by id. One that was looked up is kept for some seconds, so that a request does not pay for it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._fernet = fernet(settings, sqlite=database.is_sqlite)
        self._kept: dict[str, tuple[int, Key]] = {}

    def find(self, access_key_id: str, now: int) -> Key | None:
        """The key, None if there is none of that id. Raises ValueError if it was encrypted with another secret_key."""
        until, key = self._kept.get(access_key_id, (0, None))
        if now < until:
            return key
        key = self._load(access_key_id)
        if key is not None:  # unknown ids are not kept: strangers could fill the memory
            self._kept[access_key_id] = (now + _KEPT, key)
        return key

    def forget(self) -> None:
        """Look every key up again; call it after a change of keys or accounts that is to count at once."""
        self._kept.clear()

    def _load(self, access_key_id: str) -> Key | None:
        with self._database.read() as db:
            row = _find_key(db, access_key_id=access_key_id).one_or_none()
        if row is None:
            return None
        return Key(access_key_id, _decrypt(self._fernet, row[0]), row[1], {row[2], row[3]} == {ACTIVE})


def _decrypt(key: Fernet, encrypted: str) -> str:
    try:
        return key.decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise ValueError("secret_key: access keys in the database were encrypted with another one") from None


def ensure_first_start(db: Connection, settings: Settings, now: int) -> NewKey | None:
    """Make what a fresh installation has, and see that the key which the settings name is stored. Repeatable.

    Returns a key only if it made one up: who starts the server shows it once. Raises ValueError for half a key, and
    for a secret_key that opens nothing of what is stored.
    """
    id, secret = settings.access_key_id, settings.access_key_secret.get_secret_value()
    if bool(id) != bool(secret):
        raise ValueError("access_key_id and access_key_secret: set both or neither")
    _check_secret_key(db, settings)
    fresh = db.execute(select(account.c.id).limit(1)).one_or_none() is None
    if fresh:
        _make_default_project(db, settings, now)
    if id:
        _put_key(db, settings, NewKey(id, secret), now)
        return None
    if not fresh:
        return None
    made = NewKey("LTAI" + _random(20), _random(30))
    _put_key(db, settings, made, now)
    return made


def _check_secret_key(db: Connection, settings: Settings) -> None:
    """Refuse a key that opens nothing of what is stored: the database has come here without its own.

    An access key in the settings is a way in without the old ones, but not to the secrets that runs need. Raises
    ValueError, before a new key file is made.
    """
    sqlite = db.dialect.name == "sqlite"
    keys = list(db.execute(select(access_key.c.secret_encrypted)).scalars())
    hidden = _hidden_parameters(db)
    if not keys and not hidden:
        return
    file = settings.data / "secret.key"
    from_file = sqlite and not settings.secret_key.get_secret_value()
    opening = None if from_file and not file.exists() else fernet(settings, sqlite=sqlite)
    if opening is not None and any(_opens(opening, closed) for closed in keys + hidden):
        return
    if settings.access_key_id and not hidden:
        log.warning("secret_key: it opens none of the access keys in the database; only access_key_id's is put anew")
        return
    held = "secret parameters" if settings.access_key_id else "access keys"
    at_hand = (
        f"the setting secret_key is empty and there is no file {file}"
        if opening is None
        else f"the key in the file {file} opens none of them"
        if from_file
        else "the setting secret_key opens none of them"
    )
    raise ValueError(
        f"secret_key: the database holds {held}, and {at_hand}. Put back the key that they were encrypted with: the "
        f"file {file}, or the setting secret_key (TIDEMILL_SECRET_KEY)"
    )


def _hidden_parameters(db: Connection) -> list[str]:
    """The encrypted values of all secret parameters."""
    found = db.execute(
        select(parameter_version.c.properties)
        .join_from(parameter_version, parameter, parameter.c.id == parameter_version.c.parameter_id)
        .where(parameter.c.type == HIDDEN)
    )
    return [closed for properties in found.scalars() for closed in json.loads(properties).values()]


def _opens(key: Fernet, encrypted: str) -> bool:
    try:
        key.decrypt(encrypted.encode())
    except InvalidToken:
        return False
    return True


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _make_default_project(db: Connection, settings: Settings, now: int) -> None:
    db.execute(insert(account).values(id=FIRST_ACCOUNT, name="admin", status=ACTIVE, create_time=now))
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


def _put_key(db: Connection, settings: Settings, key: NewKey, now: int) -> None:
    """Store a key of the first account; one of that id gets the new secret."""
    encrypting = fernet(settings, sqlite=db.dialect.name == "sqlite")
    stored = db.execute(select(access_key.c.secret_encrypted).where(access_key.c.id == key.access_key_id)).scalar()
    if stored is not None and _is(encrypting, stored, key.access_key_secret):
        return
    encrypted = encrypting.encrypt(key.access_key_secret.encode()).decode()
    if stored is not None:
        db.execute(update(access_key).where(access_key.c.id == key.access_key_id).values(secret_encrypted=encrypted))
        return
    db.execute(
        insert(access_key).values(
            id=key.access_key_id,
            account_id=FIRST_ACCOUNT,
            secret_encrypted=encrypted,
            status=ACTIVE,
            create_time=now,
        )
    )


def _is(encrypting: Fernet, encrypted: str, secret: str) -> bool:
    try:
        return encrypting.decrypt(encrypted.encode()).decode() == secret
    except InvalidToken:
        return False
