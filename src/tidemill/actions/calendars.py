"""Scheduling calendars: made, changed, read, listed, deleted (api-semantics 10; docs/decisions/0010)."""

from collections.abc import Collection, Iterable

from tidemill.actions.calendar_models import (
    CalendarIdRequest,
    CalendarPage,
    CalendarVersionPage,
    CalendarView,
    CreateCalendarRequest,
    CreateCalendarResponse,
    GetCalendarResponse,
    ListCalendarsRequest,
    ListCalendarsResponse,
    ListCalendarVersionsRequest,
    ListCalendarVersionsResponse,
    UpdateCalendarRequest,
    UpdateCalendarResponse,
)
from tidemill.actions.context import Context
from tidemill.actions.shared_models import SuccessResponse
from tidemill.actions.workflows import sort_page
from tidemill.domain.calendar import CalendarDefinition, calendar_faults
from tidemill.domain.errors import Fault, InvalidRequest, NotFound, StatusConflict
from tidemill.store import calendars, members
from tidemill.store.calendars import CalendarAt, CalendarFilter, User
from tidemill.store.ids import allocate

_SHOWN = 10  # users of a calendar that a fault names


def create(context: Context, request: CreateCalendarRequest) -> CreateCalendarResponse:
    """Make a calendar. Raises StatusConflict where there are as many as the setting max_calendars allows."""
    _check(context, request)
    known = calendars.id_of(context.db, request.name)
    if known is not None:
        raise InvalidRequest([Fault("Name", f"another name is expected: this is that of calendar {known}")])
    if calendars.count(context.db) >= (limit := context.settings.max_calendars):
        raise StatusConflict(f"There are {limit} calendars already, as many as the setting max_calendars allows.")
    id = allocate(context.db, 1)[0]
    calendars.add(context.db, id, request.name, request.canonical(), context.now, context.caller.account_id)
    return CreateCalendarResponse(id=id)


def update(context: Context, request: UpdateCalendarRequest) -> UpdateCalendarResponse:
    """Replace a calendar in full; it holds for every date that is planned from now on."""
    current = _find(context, request.id)
    _administer(context, current.definition)
    _check(context, request)
    definition = request.canonical()
    if definition == current.definition:
        return UpdateCalendarResponse(version=current.version)
    left = [user for user in calendars.users(context.db, request.id) if not _applies(definition, user.project_id)]
    if left:
        raise InvalidRequest([Fault("ProjectIds", f"the projects of its users as well: {_named(left)}")])
    version = current.version + 1
    calendars.change(context.db, request.id, version, definition, context.now, context.caller.account_id)
    return UpdateCalendarResponse(version=version)


def get(context: Context, request: CalendarIdRequest) -> GetCalendarResponse:
    return GetCalendarResponse(calendar=_view(_seen(context, request.id)))


def delete(context: Context, request: CalendarIdRequest) -> SuccessResponse:
    """Delete a calendar that no workflow uses, with its versions."""
    _administer(context, _find(context, request.id).definition)
    if users := calendars.users(context.db, request.id):
        raise InvalidRequest([Fault("Id", f"a calendar that nothing uses is expected: {_named(users)} name it")])
    calendars.remove(context.db, request.id)
    return SuccessResponse()


def list_(context: Context, request: ListCalendarsRequest) -> ListCalendarsResponse:
    """With a project, all that its workflows may use; without, all that the caller may see."""
    wanted = CalendarFilter(context.caller.account_id, request.project_id, request.name, request.owner)
    items, total = calendars.list_(context.db, wanted, sort_page(request))
    return ListCalendarsResponse(
        paging_info=CalendarPage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            calendars=tuple(_view(item) for item in items),
        )
    )


def list_versions(context: Context, request: ListCalendarVersionsRequest) -> ListCalendarVersionsResponse:
    _seen(context, request.id)
    items, total = calendars.versions(context.db, request.id, request.page_number, request.page_size)
    return ListCalendarVersionsResponse(
        paging_info=CalendarVersionPage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            calendar_versions=tuple(_view(item) for item in items),
        )
    )


def _find(context: Context, id: int) -> CalendarAt:
    found = calendars.find(context.db, id)
    if found is None:
        raise NotFound("Calendar", f"There is no calendar {id}.")
    return found


def _seen(context: Context, id: int) -> CalendarAt:
    """The calendar, for members of one of its projects. Raises NotFound or Forbidden."""
    found = _find(context, id)
    projects = found.definition.project_ids
    if not found.definition.all_projects and not set(projects) & set(
        members.memberships(context.db, context.caller.account_id)
    ):
        context.project(projects[0])
    return found


def _check(context: Context, asked: CalendarDefinition) -> None:
    """Raises InvalidRequest with every fault of the calendar by itself, Forbidden where it is not the caller's."""
    faults = calendar_faults(asked)
    known = set(members.project_ids(context.db))
    faults += [
        Fault(f"ProjectIds[{index}]", f"there is no project {id}")
        for index, id in enumerate(asked.project_ids)
        if id not in known
    ]
    if faults:
        raise InvalidRequest(faults)
    _administer(context, asked)


def _administer(context: Context, definition: CalendarDefinition) -> None:
    """Raises Forbidden unless the caller administers every project that the calendar applies to."""
    for id in members.project_ids(context.db) if definition.all_projects else definition.project_ids:
        context.project(id)


def _applies(definition: CalendarDefinition, project_id: int) -> bool:
    return bool(definition.all_projects) or project_id in definition.project_ids


def _named(users: Collection[User]) -> str:
    """Up to ten workflows by id, name and where they are."""
    shown: Iterable[User] = list(users)[:_SHOWN]
    more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
    return ", ".join(f"workflow {u.id} {u.name} ({u.env}, project {u.project_id})" for u in shown) + more


def _view(item: CalendarAt) -> CalendarView:
    return CalendarView(
        id=item.id,
        name=item.name,
        version=item.version,
        modify_time=item.modify_time,
        **item.definition.model_dump(),
    )
