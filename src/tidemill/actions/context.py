"""What an action function is given besides its request."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlalchemy import Connection

from tidemill.actions.caller import Caller
from tidemill.domain.errors import Forbidden, NotFound
from tidemill.settings import Settings
from tidemill.store.members import Project, find_project

Permission = Literal["read", "develop", "operate", "administer"]

ROLES: dict[Permission, frozenset[str]] = {
    "read": frozenset({"Administrator", "Developer", "Operator", "Visitor"}),
    "develop": frozenset({"Administrator", "Developer"}),
    "operate": frozenset({"Administrator", "Developer", "Operator"}),
    "administer": frozenset({"Administrator"}),
}


class LogReader(Protocol):
    """Gives the texts of logs, at most their first and last parts."""

    def read(self, db: Connection, runner: str, log: str) -> str:
        """The log of a run, wherever it ran. Raises LogUnavailable where the server that has it does not answer."""
        ...

    def own(self, token: str) -> str:
        """The log here that a token of another server names. Raises PermissionError for one that is no such token."""
        ...


@dataclass(slots=True)
class Context:
    """One call of an action: its transaction (which the function never commits), its moment (epoch ms), its caller."""

    db: Connection
    now: int
    caller: Caller
    settings: Settings
    action: str
    permission: Permission
    logs: LogReader
    _projects: dict[int, Project] = field(default_factory=dict[int, Project])

    def project(self, id: int) -> Project:
        """The project, if the caller's role in it allows this action.

        A request that names a ProjectId was checked before its function is called; a function that finds the project
        by another id calls this before it shows or changes anything. Raises NotFound or Forbidden.
        """
        project = self._projects.get(id)
        if project is None:
            project = find_project(self.db, id, self.caller.account_id)
            if project is None:
                raise NotFound("Project", f"There is no project {id}.")
            self._projects[id] = project
        if project.role not in ROLES[self.permission]:
            raise Forbidden(
                self.action,
                f"You are not authorized to do this action: {self.action} in project {id} "
                f"needs one of the roles {', '.join(sorted(ROLES[self.permission]))}.",
            )
        return project
