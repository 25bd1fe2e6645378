"""What an action works with: one transaction, the time, and who asks."""

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from tidemill.actions.caller import Caller
from tidemill.domain.errors import Forbidden, NotFound
from tidemill.settings import Settings
from tidemill.store.pages import AnyRow
from tidemill.store.tables import project, project_member

ROLES: dict[str, frozenset[str]] = {  # role in a project: what its members may do
    "Administrator": frozenset({"read", "operate", "develop"}),
    "Developer": frozenset({"read", "operate", "develop"}),
    "Operator": frozenset({"read", "operate"}),
    "Visitor": frozenset({"read"}),
}


_member = project_member.c
_project = (
    select(project, _member.role)
    .select_from(
        project.outerjoin(
            project_member, (_member.project_id == project.c.id) & (_member.account_id == bindparam("account_id"))
        )
    )
    .where(project.c.id == bindparam("id"))
)


@dataclass(slots=True)
class Context:
    """Functions that take a context never commit its `db`; `now` is epoch milliseconds."""

    db: Connection
    now: int
    caller: Caller
    settings: Settings
    action: str
    permission: str
    _projects: dict[int, AnyRow] = field(default_factory=dict[int, AnyRow])

    @property
    def data(self) -> Path:
        return self.settings.data

    def project(self, id: int) -> AnyRow:
        """The project, once it is known that the caller may do this in it. Raises NotFound or Forbidden."""
        if id not in self._projects:
            row = self.db.execute(_project, {"id": id, "account_id": self.caller.account_id}).one_or_none()
            if row is None:
                raise NotFound("Project", f"There is no project {id}.")
            if self.permission not in ROLES.get(row.role or "", frozenset()):
                raise Forbidden(self.action, f"Account {self.caller.account_id} may not {self.action} in project {id}.")
            self._projects[id] = row
        return self._projects[id]
