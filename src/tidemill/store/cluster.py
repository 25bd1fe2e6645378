"""Which server leads, and which runners live (engine 24 and 25). Every moment here is the database's own."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, String, insert, select, update

from tidemill.store.statements import Rows, Statement, bindparam
from tidemill.store.tables import leader, runner

_ONE = 1
_now = bindparam("now", type_=BigInteger)
_holder = bindparam("holder_", type_=String)
_name = bindparam("name_", type_=String)
p = runner.c

_renew = Statement(
    update(leader).where(leader.c.one == _ONE, leader.c.holder == _holder).values(renewed_time=_now)
    .returning(leader.c.epoch)
)  # fmt: skip
_take = Statement(
    update(leader)
    .where(leader.c.one == _ONE, leader.c.renewed_time <= bindparam("free_since", type_=BigInteger))
    .values(holder=_holder, epoch=leader.c.epoch + 1, renewed_time=_now)
    .returning(leader.c.epoch)
)
_first = Statement(insert(leader).values(one=_ONE, holder="", epoch=0, renewed_time=0))
_any = Statement(select(leader.c.one))
_give_up = Statement(update(leader).where(leader.c.one == _ONE, leader.c.holder == _holder).values(renewed_time=0))
_holds = Statement(
    select(leader.c.epoch)
    .where(leader.c.one == _ONE, leader.c.holder == _holder, leader.c.epoch == bindparam("epoch_"))
    .with_for_update(read=True)
)

_lease = Statement(
    update(runner)
    .where(p.name == _name)
    .values(boot=bindparam("boot_"), endpoint=bindparam("endpoint_"), lease_until=bindparam("until", type_=BigInteger))
    .returning(p.name)
)
_new = Statement(
    insert(runner).values(
        name=_name, boot=bindparam("boot_"), endpoint=bindparam("endpoint_"),
        lease_until=bindparam("until", type_=BigInteger),
    )
)  # fmt: skip
_live = Statement(select(p.name, p.boot, p.endpoint).where(p.lease_until > _now).order_by(p.name))
_endpoint = Statement(select(p.endpoint).where(p.name == _name))


@dataclass(frozen=True, slots=True)
class Place:
    """A runner that lives: its machine's boot, and where the server that owns it answers."""

    name: str
    boot: str
    endpoint: str


def database_time(db: Connection) -> int:
    """The moment that PostgreSQL's clock shows, in epoch milliseconds."""
    return db.exec_driver_sql("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)").scalar_one()


DatabaseTime = Callable[[Connection], int]


def lead(db: Connection, holder: str, now: int, free_after: int) -> int | None:
    """Renew the leadership of `holder`, or take one not renewed for `free_after` ms; its epoch if it leads."""
    epoch = _renew(db, now=now, holder_=holder).scalar()
    if epoch is not None:
        return epoch
    if _any(db).scalar() is None:
        with db.begin_nested():
            _first(db)
    return _take(db, now=now, holder_=holder, free_since=now - free_after).scalar()


def leads(db: Connection, holder: str, epoch: int) -> Rows:
    """One row if it leads still; nobody takes the leadership before this transaction ends."""
    return _holds(db, holder_=holder, epoch_=epoch)


def give_up(db: Connection, holder: str) -> None:
    """Let another one lead at once."""
    _give_up(db, holder_=holder)


def lease(db: Connection, place: Place, until: int) -> None:
    """Renew a runner's lease; one that is new is added."""
    values = {"name_": place.name, "boot_": place.boot, "endpoint_": place.endpoint, "until": until}
    if not _lease(db, **values):
        _new(db, **values)


def live(db: Connection, now: int) -> list[Place]:
    """The runners whose leases have not ended."""
    return [Place(*row) for row in _live(db, now=now)]


def endpoint_of(db: Connection, name: str) -> str | None:
    """The URL of the server that owns a runner, whether it lives or not."""
    return _endpoint(db, name_=name).scalar()
