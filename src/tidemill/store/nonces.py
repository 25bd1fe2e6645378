"""Nonces of writing requests: each goes in with what its request wrote, so that a restart forgets none."""

from sqlalchemy import Connection, delete, exists, insert, select

from tidemill.domain.errors import AuthenticationFailed
from tidemill.store.statements import BigInteger, Statement, String, bindparam
from tidemill.store.tables import nonce

USED = "SignatureNonceUsed"

n = nonce.c
_given_key = n.access_key_id == bindparam("access_key_id", type_=String)
_given_nonce = n.nonce == bindparam("nonce", type_=String)
_add = Statement(
    insert(nonce).values(access_key_id=bindparam("access_key_id"), nonce=bindparam("nonce"), time=bindparam("time"))
)
_find = Statement(select(exists().where(_given_key, _given_nonce)))
_purge = Statement(delete(nonce).where(n.time < bindparam("before", type_=BigInteger)))


def used() -> AuthenticationFailed:
    return AuthenticationFailed(USED, "Specified signature nonce was used already.")


def add(db: Connection, access_key_id: str, value: str, signed: int) -> None:
    """Count the nonce of a request signed at `signed` as used. Raises AuthenticationFailed if it was already."""
    if is_used(db, access_key_id, value):  # nobody else writes meanwhile: transactions that write take turns
        raise used()
    _add(db, access_key_id=access_key_id, nonce=value, time=signed)


def is_used(db: Connection, access_key_id: str, value: str) -> bool:
    return bool(_find(db, access_key_id=access_key_id, nonce=value).scalar())


def since(db: Connection, time: int) -> list[tuple[str, str, int]]:
    """(access key id, nonce, when it was signed) of requests signed at `time` or later."""
    rows = db.execute(select(n.access_key_id, n.nonce, n.time).where(n.time >= time))
    return [(row[0], row[1], row[2]) for row in rows]


def purge(db: Connection, before: int) -> None:
    """Forget those of requests signed before `before`."""
    _purge(db, before=before)
