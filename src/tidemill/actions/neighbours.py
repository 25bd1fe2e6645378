"""The instances directly before and after one."""

from typing import Any

from tidemill.actions.context import Context
from tidemill.actions.instance_views import find_task_instance, shown
from tidemill.actions.neighbour_models import (
    Adjacent,
    DownstreamPage,
    ListDownstreamTaskInstancesResponse,
    ListNeighboursRequest,
    ListUpstreamTaskInstancesResponse,
    Neighbour,
    SteppedNeighbour,
    UpstreamPage,
)
from tidemill.domain.definitions import Task
from tidemill.store import neighbours
from tidemill.store.pages import AnyRow, Page


def list_upstreams(context: Context, request: ListNeighboursRequest) -> ListUpstreamTaskInstancesResponse:
    rows, shared = _neighbours(context, request, upstream=True)
    return ListUpstreamTaskInstancesResponse(
        paging_info=UpstreamPage(**shared, upstream_task_instances=tuple(_adjacent(*row) for row in rows))
    )


def list_downstreams(context: Context, request: ListNeighboursRequest) -> ListDownstreamTaskInstancesResponse:
    rows, shared = _neighbours(context, request, upstream=False)
    return ListDownstreamTaskInstancesResponse(
        paging_info=DownstreamPage(**shared, downstream_task_instances=tuple(_adjacent(*row) for row in rows))
    )


_Shown = tuple[AnyRow, dict[str, Any]]


def _neighbours(
    context: Context, request: ListNeighboursRequest, *, upstream: bool
) -> tuple[list[_Shown], dict[str, Any]]:
    """The neighbours of a page, and what the pages of both directions have in common."""
    zone = context.project(find_task_instance(context, request.id).project_id).time_zone
    wanted = Page(request.page_number, request.page_size, descending=False)
    rows, total = neighbours.neighbours_of(context.db, context.now, request.id, wanted, upstream=upstream)
    found = [(row, shown(row, zone, Task.model_validate_json(row.definition)) | {"env_type": row.env}) for row in rows]
    stepped = tuple(SteppedNeighbour(**values, step_type=row.dependency_type) for row, values in found)
    return found, {
        "page_number": request.page_number,
        "page_size": request.page_size,
        "total_count": total,
        "task_instances": stepped,
    }


def _adjacent(row: AnyRow, values: dict[str, Any]) -> Adjacent:
    return Adjacent(dependency_type=row.dependency_type, task_instance=Neighbour(**values))
