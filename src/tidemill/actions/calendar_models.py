"""Requests and answers about scheduling calendars."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from tidemill.actions.shared_models import OptionalInteger, OptionalText, PagedTo100, PagingInfo, Sort, sort_by
from tidemill.domain.calendar import CalendarDefinition
from tidemill.domain.definitions import Integer, Wire

_LAST_CHANGED = Sort("modify_time", True)
CalendarSort = Annotated[
    Sort, sort_by("ModifyTime", "Name", "Id", default=_LAST_CHANGED), WithJsonSchema({"type": "string"})
]


class CreateCalendarRequest(CalendarDefinition):
    name: str = Field(min_length=1, max_length=100)


class CreateCalendarResponse(Wire):
    id: int


class UpdateCalendarRequest(CalendarDefinition):
    """A full update; the name stays."""

    id: Integer


class UpdateCalendarResponse(Wire):
    """`version` is the new one, or the current one where nothing changed."""

    version: int


class CalendarIdRequest(Wire):
    id: Integer


class CalendarView(CalendarDefinition):
    """A calendar at a version. Fields of the other type are left out; `modify_time` (epoch ms) is the version's."""

    id: int
    name: str
    version: int
    modify_time: int


class GetCalendarResponse(Wire):
    calendar: CalendarView


class ListCalendarsRequest(PagedTo100):
    project_id: OptionalInteger = None
    name: OptionalText = None
    owner: OptionalText = None
    sort_by: CalendarSort = _LAST_CHANGED


class CalendarPage(PagingInfo):
    calendars: tuple[CalendarView, ...]


class ListCalendarsResponse(Wire):
    paging_info: CalendarPage


class ListCalendarVersionsRequest(PagedTo100):
    id: Integer


class CalendarVersionPage(PagingInfo):
    """Newest first."""

    calendar_versions: tuple[CalendarView, ...]


class ListCalendarVersionsResponse(Wire):
    paging_info: CalendarVersionPage
