"""Requests and answers about the upstream and downstream instances of one."""

from typing import Literal

from tidemill.actions.instance_models import AnyInstanceType, InstanceRecurrence, Runtime, TaskInstanceStatus
from tidemill.actions.shared_models import Paged, PagingInfo
from tidemill.actions.workflow_models import TriggerType
from tidemill.domain.definitions import DataSource, EnvType, Integer, RerunMode, RuntimeResource, Wire

EdgeType = Literal["Normal", "CrossCycle"]


class ListNeighboursRequest(Paged):
    id: Integer


class Neighbour(Wire):
    """A task instance next to another; times are epoch milliseconds, Timeout seconds."""

    id: int
    task_id: int
    task_name: str
    task_type: str
    description: str | None = None
    owner: str
    env_type: EnvType
    project_id: int
    workflow_id: int
    workflow_name: str | None = None
    workflow_instance_id: int
    workflow_instance_type: AnyInstanceType
    bizdate: int
    period_number: int
    priority: int
    baseline_id: int | None = None
    rerun_mode: RerunMode
    run_number: int
    status: TaskInstanceStatus
    timeout: int | None = None
    trigger_type: TriggerType
    trigger_time: int
    trigger_recurrence: InstanceRecurrence
    runtime: Runtime | None = None
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    started_time: int | None = None
    finished_time: int | None = None
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class SteppedNeighbour(Neighbour):
    """As the older of the two lists shows it, which the API calls deprecated."""

    project_env: EnvType
    step_type: EdgeType


class Adjacent(Wire):
    dependency_type: EdgeType
    task_instance: Neighbour


class UpstreamPage(PagingInfo):
    upstream_task_instances: tuple[Adjacent, ...]
    task_instances: tuple[SteppedNeighbour, ...]


class DownstreamPage(PagingInfo):
    downstream_task_instances: tuple[Adjacent, ...]
    task_instances: tuple[SteppedNeighbour, ...]


class ListUpstreamTaskInstancesResponse(Wire):
    paging_info: UpstreamPage


class ListDownstreamTaskInstancesResponse(Wire):
    paging_info: DownstreamPage
