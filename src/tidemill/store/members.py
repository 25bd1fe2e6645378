"""Who is who in which project."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from tidemill.store.statements import BigInteger, Statement, String, bindparam
from tidemill.store.tables import account, project, project_member

p = project.c
m = project_member.c

_account = Statement(select(account.c.status).where(account.c.id == bindparam("id", type_=String)))
_member = Statement(
    select(p.id, p.name, p.time_zone, p.owner, p.status, m.role)
    .select_from(
        project.outerjoin(
            project_member, (m.project_id == p.id) & (m.account_id == bindparam("account_id", type_=String))
        )
    )
    .where(p.id == bindparam("project_id", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class Project:
    """A project as one account sees it; `role` is None for who is no member."""

    id: int
    name: str
    time_zone: str
    owner: str
    status: str
    role: str | None


def find_project(db: Connection, project_id: int, account_id: str) -> Project | None:
    row = _member(db, project_id=project_id, account_id=account_id).one_or_none()
    return None if row is None else Project(*row)


def project_ids(db: Connection) -> list[int]:
    """Every project of the installation, in id order."""
    return list(db.execute(select(p.id).order_by(p.id)).scalars())


def memberships(db: Connection, account_id: str) -> list[int]:
    """The projects in which the account has a role, in id order."""
    return list(db.execute(select(m.project_id).where(m.account_id == account_id).order_by(m.project_id)).scalars())


def account_status(db: Connection, account_id: str) -> str | None:
    """None if there is no such account."""
    return _account(db, id=account_id).scalar()
