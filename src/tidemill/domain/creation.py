"""What CreateWorkflowInstances was asked, checked and with its versions pinned: kept with the operation as JSON."""

from pydantic import BaseModel, ConfigDict

from tidemill.domain.definitions import Tag


class Creation(BaseModel):
    """One unit of work a business date, in the order of `bizdates`; `groups` are the lengths of the serial groups."""

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
    cycles_from: str = "00:00:00"
    cycles_to: str = "23:59:59"
    mode: str = "ManualSelection"
    roots: tuple[int, ...] = ()
    include: tuple[int, ...] = ()
    exclude: tuple[int, ...] = ()
    auto_start: bool = True
    immediately: bool = False
    task_parameters: dict[int, str] = {}
    workflow_parameters: str | None = None
    resource_group_id: str | None = None
    priority: int | None = None
    weighted: bool = False
    tags: tuple[Tag, ...] = ()

    @property
    def manual(self) -> bool:
        return self.type != "SupplementData"

    def predecessor(self, unit: int) -> str | None:
        """The business date that unit `unit` starts after; None for the first of a group."""
        start = 0
        for length in self.groups:
            if start < unit < start + length:
                return self.bizdates[unit - 1]
            start += length
        return None
