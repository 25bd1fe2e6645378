"""What CreateWorkflowInstances was asked, checked and with its versions pinned: kept with the operation as JSON."""

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from tidemill.domain.definitions import Tag
from tidemill.domain.windows import Window

OUTSIDE_WORKFLOW = 1  # "periodic tasks": a run of tasks of any workflow


class Member(NamedTuple):
    """A workflow of which tasks are run, at its pinned version."""

    workflow_id: int
    version: int
    project_id: int
    project_name: str
    time_zone: str


class Creation(BaseModel):
    """One unit of work a business date, in the order of `bizdates`; `groups` are the lengths of the serial groups.

    `run` and `dry` are the chosen tasks and the dry runs between them; with `run` None all tasks run. Without
    `members` they are those of `workflow_id`. `trigger_time` (epoch ms) and `trigger_message` are a triggered run's.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    project_id: int
    project_name: str
    time_zone: str
    workflow_id: int
    env: str
    workflow_version: int
    name: str
    owner: str
    user: str
    bizdates: tuple[str, ...]
    groups: tuple[int, ...]
    members: tuple[Member, ...] = ()
    run: tuple[int, ...] | None = None
    dry: tuple[int, ...] = ()
    cycles_from: str = "00:00:00"
    cycles_to: str = "23:59:59"
    trigger_time: int | None = None
    trigger_message: str | None = None
    auto_start: bool = True
    immediately: bool = False
    window: Window | None = None
    task_parameters: dict[int, str] = {}
    workflow_parameters: str | None = None
    resource_group_id: str | None = None
    data_sources: dict[str, str] = {}
    priority: int | None = None
    weighted: bool = False
    tags: tuple[Tag, ...] = ()

    @property
    def manual(self) -> bool:
        """Whether its instances are not of a schedule: one a date, at 00:00, or at the moment of the trigger."""
        return self.type in ("ManualWorkflow", "Manual", "TriggerWorkflow")

    def workflows(self) -> tuple[Member, ...]:
        """The workflows of the run."""
        whole = Member(self.workflow_id, self.workflow_version, self.project_id, self.project_name, self.time_zone)
        return self.members or (whole,)

    def predecessor(self, unit: int) -> str | None:
        """The business date that unit `unit` starts after; None for the first of a group."""
        start = 0
        for length in self.groups:
            if start < unit < start + length:
                return self.bizdates[unit - 1]
            start += length
        return None

    def follows_on(self, unit: int) -> bool:
        """Whether the predecessor is the day before, so that its instances are the previous cycle's."""
        before = self.predecessor(unit)
        return before is not None and date.fromisoformat(self.bizdates[unit]) - date.fromisoformat(before) == _DAY

    def gaps(self) -> list[str]:
        """The business dates that follow no day before: their previous cycle is not waited for."""
        return [day for unit, day in enumerate(self.bizdates) if unit > 0 and not self.follows_on(unit)]


@lru_cache(maxsize=4)
def read(request: str) -> Creation:
    """What an operation was asked, as it keeps it."""
    return Creation.model_validate_json(request)


_DAY = timedelta(days=1)
