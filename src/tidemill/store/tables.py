"""The tables. Ids are 64-bit integers unique over all kinds; times are epoch milliseconds UTC; dates are ISO text.

A hot index covers unfinished rows only (`finished_time IS NULL`), and each hot query repeats that predicate literally:
finished rows, however many, slow nothing.
"""

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tidemill.store.cluster_tables import leader as leader
from tidemill.store.cluster_tables import runner as runner
from tidemill.store.columns import Id, metadata
from tidemill.store.columns import authors as _authors
from tidemill.store.columns import count as _count
from tidemill.store.columns import flag as _flag
from tidemill.store.columns import number as _number
from tidemill.store.columns import text as _text
from tidemill.store.columns import time as _time
from tidemill.store.schedule_tables import calendar as calendar
from tidemill.store.schedule_tables import calendar_project as calendar_project
from tidemill.store.schedule_tables import calendar_version as calendar_version
from tidemill.store.schedule_tables import parameter as parameter
from tidemill.store.schedule_tables import parameter_version as parameter_version

id_allocator = Table(
    "id_allocator", metadata, Column("one", Id, primary_key=True, autoincrement=False), _number("next", required=True)
)

# --- who may come in ---------------------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name", required=True),
    _text("status", required=True),
    _time("create_time", required=True),
)

access_key = Table(
    "access_key",
    metadata,
    Column("id", Text, primary_key=True),
    _text("account_id", required=True),
    _text("secret_encrypted", required=True),
    _text("status", required=True),
    _time("create_time", required=True),
    ForeignKeyConstraint(["account_id"], ["account.id"]),
)

nonce = Table(
    "nonce",
    metadata,
    _text("access_key_id", required=True),
    _text("nonce", required=True),
    _time("time", required=True),
    PrimaryKeyConstraint("access_key_id", "nonce"),
    Index("ix_nonce_time", "time"),
)

project = Table(
    "project",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _text("name", required=True),
    _text("display_name"),
    _text("description"),
    _text("owner", required=True),
    _text("status", required=True),
    _text("time_zone", required=True),
    *_authors(),
    UniqueConstraint("name"),
)

project_member = Table(
    "project_member",
    metadata,
    _number("project_id", required=True),
    _text("account_id", required=True),
    _text("role", required=True),
    PrimaryKeyConstraint("project_id", "account_id"),
)

resource_group = Table(
    "resource_group", metadata, Column("id", Text, primary_key=True), _text("name", required=True), _count("slots")
)

# --- what was defined --------------------------------------------------------------------------------------------

ZONED = "time_zone IS NOT NULL"

workflow = Table(
    "workflow",
    metadata,
    _number("id", required=True),
    _text("env", required=True),
    _number("project_id", required=True),
    _count("version"),
    _text("name", required=True),
    _text("owner", required=True),
    _text("description"),
    _text("client_unique_code", required=True),
    _text("trigger_type", required=True),
    _text("cron"),
    _text("start_time"),
    _text("end_time"),
    _text("time_zone"),  # of its trigger; null: the project's
    _text("recurrence", required=True),
    _text("parameters"),
    _text("instance_mode", required=True),
    *_authors(),
    _number("calendar_id"),
    PrimaryKeyConstraint("id", "env"),
    UniqueConstraint("env", "client_unique_code"),
    Index("ix_workflow_project", "project_id", "env", "id"),
    Index("ix_workflow_name", "env", "name"),
    Index("ix_workflow_time_zone", "env", "time_zone", sqlite_where=text(ZONED), postgresql_where=text(ZONED)),
)

workflow_version = Table(
    "workflow_version",
    metadata,
    _number("workflow_id", required=True),
    _text("env", required=True),
    _count("version"),
    _text("name", required=True),
    _text("definition", required=True),  # the Workflow model as JSON, without its tasks
    _text("tasks", required=True),  # JSON: [[task id, task version], …]
    _text("links"),  # JSON: [[downstream id, dependency type, upstream id], …] as they were resolved
    _time("create_time", required=True),
    _text("create_user"),
    PrimaryKeyConstraint("workflow_id", "env", "version"),
)

task = Table(
    "task",
    metadata,
    _number("id", required=True),
    _text("env", required=True),
    _number("project_id", required=True),
    _number("workflow_id", required=True),
    _count("version"),
    _text("name", required=True),
    _text("type", required=True),
    _text("owner", required=True),
    _text("client_unique_code", required=True),
    _text("trigger_type", required=True),
    _text("recurrence", required=True),
    _text("resource_group_id", required=True),
    _count("priority", 1),
    *_authors(),
    PrimaryKeyConstraint("id", "env"),
    UniqueConstraint("env", "workflow_id", "name"),
    UniqueConstraint("env", "client_unique_code"),
    Index("ix_task_project", "project_id", "env", "id"),
    Index("ix_task_name", "env", "name"),
)

task_version = Table(
    "task_version",
    metadata,
    _number("task_id", required=True),
    _text("env", required=True),
    _count("version"),
    _text("name", required=True),
    _text("type", required=True),
    _text("owner", required=True),
    _text("script"),
    _text("definition", required=True),  # the Task model as JSON, without the script's content
    _time("create_time", required=True),
    _text("create_user"),
    PrimaryKeyConstraint("task_id", "env", "version"),
)

task_output = Table(
    "task_output",
    metadata,
    _text("env", required=True),
    _text("output", required=True),
    _text("owner_kind", required=True),  # Task or Workflow
    _number("owner_id", required=True),
    PrimaryKeyConstraint("env", "output"),
    Index("ix_task_output_owner", "owner_id", "env"),
)

dependency = Table(
    "dependency",
    metadata,
    _text("env", required=True),
    _text("downstream_kind", required=True),  # Task or Workflow
    _number("downstream_id", required=True),
    _count("ordinal"),
    _text("type", required=True),
    _text("upstream_output"),
    _number("upstream_id"),
    PrimaryKeyConstraint("env", "downstream_id", "ordinal"),
    Index("ix_dependency_upstream_output", "env", "upstream_output"),
    Index("ix_dependency_upstream_id", "env", "upstream_id"),
)

tag = Table(
    "tag",
    metadata,
    _text("object_kind", required=True),  # Workflow, Task, WorkflowInstance
    _number("object_id", required=True),
    _text("env", required=True),
    _text("key", required=True),
    _text("value", required=True),
    PrimaryKeyConstraint("object_kind", "object_id", "env", "key"),
    Index("ix_tag_key", "object_kind", "key", "value"),
)

# --- what runs ---------------------------------------------------------------------------------------------------

operation = Table(
    "operation",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _text("uuid", required=True),  # OperationId on the wire
    _text("kind", required=True),
    _text("state", required=True),  # Creating, Created, CreateFailure
    _text("env", required=True),
    _number("project_id", required=True),
    _number("workflow_id", required=True),
    _text("client_token"),
    _text("request", required=True),  # JSON: what was asked, with the versions it pins
    _count("cursor"),  # how many of its units are made
    _text("message"),
    _time("create_time", required=True),
    _text("create_user"),
    _time("finished_time"),
    UniqueConstraint("uuid"),
    UniqueConstraint("client_token"),
    Index("ix_operation_unfinished", "id", sqlite_where=text("finished_time IS NULL"),
          postgresql_where=text("finished_time IS NULL")),
)  # fmt: skip

planned_date = Table(
    "planned_date",
    metadata,
    _text("time_zone", required=True),
    _text("run_date", required=True),
    _number("operation_id"),  # null: a date that was missed and is not caught up with
    _time("time", required=True),
    PrimaryKeyConstraint("time_zone", "run_date"),
)

MADE = "origin > 0"

workflow_instance = Table(
    "workflow_instance",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _text("env", required=True),
    _number("project_id", required=True),
    _number("workflow_id", required=True),
    _count("workflow_version"),
    _text("name", required=True),
    _text("type", required=True),
    _text("owner", required=True),
    _text("bizdate", required=True),
    _time("trigger_time", required=True),
    _number("origin", required=True),
    _number("unified_id", required=True),
    _number("task_instance_id", required=True),  # represents it: status and times are that row's
    _text("parameters"),
    *_authors(),
    Index("ix_workflow_instance_list", "project_id", "bizdate", "id"),
    Index("ix_workflow_instance_workflow", "workflow_id", "env", "trigger_time"),
    # not over periodic ones: whoever looks for those by another column would be led here instead
    Index("ix_workflow_instance_origin", "origin", sqlite_where=text(MADE), postgresql_where=text(MADE)),
)

_UNFINISHED = "finished_time IS NULL"
READY = f"{_UNFINISHED} AND status = 'NotRun' AND pending_upstreams = 0 AND frozen = 0"
QUEUED = f"{_UNFINISHED} AND status = 'WaitResource'"
LIMITED = f"{QUEUED} AND max_parallel > 0"
WHOLES_ENDED = "finished_time IS NOT NULL AND kind = 'Workflow'"
RUNNING = f"{_UNFINISHED} AND status = 'Running' AND kind = 'Task'"

task_instance = Table(
    "task_instance",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _text("kind", required=True),  # Task, or Workflow: the one that represents a workflow instance
    _text("env", required=True),
    _number("project_id", required=True),
    _number("task_id", required=True),  # a workflow's id where kind is Workflow
    _count("task_version"),
    _number("workflow_id", required=True),
    _number("workflow_instance_id", required=True),
    _number("representative_id", required=True),  # the task instance that represents the workflow instance
    _number("origin", required=True),  # 0: periodic; else the operation that made it
    _number("planning_id", required=True),  # the operation in whose course it was made: unfinished means invisible
    _text("bizdate", required=True),
    _time("trigger_time", required=True),
    _count("period_number", 1),
    # what it is and what it waits for
    _text("status", required=True),
    _text("recurrence", required=True),
    _text("control"),  # the task's type, where there is more to it than to run it; see domain/control
    _flag("unchosen"),  # a branch above chose another arm: it ends as a dry run
    _flag("immediate"),  # ends in a wave, without a runner: VIRTUAL, dry runs, workflows
    _flag("frozen"),
    _count("pending_upstreams"),
    _flag("waits_entry"),  # counts its workflow instance's start among its pending upstreams
    _flag("isolated"),  # counts one: none of its declared upstreams has an instance in the period
    _time("due_time", required=True),  # max(trigger_time, not_before)
    _time("upstreams_done_time"),
    _time("wait_resource_time"),
    _time("started_time"),
    _time("finished_time"),
    _text("reason"),  # why a person is waited for, or why it ended so: Frozen, Stopped, TimedOut …
    # runs
    _count("run_number"),
    _count("retries_used"),
    _count("lost_runs"),
    _time("stop_requested"),
    _text("stop_user"),
    # what the definition says, at the version it was made from or as an operator changed it
    _text("rerun_mode", required=True),
    _count("rerun_times"),
    _count("rerun_interval"),
    _count("timeout"),
    _text("resource_group_id", required=True),
    _count("priority", 1),
    _count("late"),  # 1: backfill of another day, ranked after all others of its priority
    _count("weight"),
    _count("max_parallel"),  # how many instances of its task may run at once; 0: any number
    _text("parameters", required=True),  # JSON: resolved values
    _text("data_source"),
    _time("signalled_time"),  # when its trigger was fired: 0 not yet; null: it waits for none
    _text("run_window"),  # JSON of domain.windows.Window: when it may start; null for any time
    # a workflow's representative
    _flag("held"),  # AutoStartEnabled = false: counts one among its pending upstreams until started by hand
    _count("unfinished"),  # inner instances that are not Success
    _count("failed"),  # inner instances that are Failure or frozen
    _text("operation_type"),
    *_authors(),
    UniqueConstraint("env", "task_id", "trigger_time", "origin"),
    Index("ix_task_instance_list", "project_id", "bizdate", "id"),
    Index("ix_task_instance_workflow_instance", "workflow_instance_id"),
    Index("ix_task_instance_ready", "due_time", sqlite_where=text(READY), postgresql_where=text(READY)),
    Index("ix_task_instance_queued", "resource_group_id", text("priority DESC"), "late", text("weight DESC"),
          "trigger_time", "id", sqlite_where=text(QUEUED), postgresql_where=text(QUEUED)),
    Index("ix_task_instance_limited", "env", "task_id", sqlite_where=text(LIMITED), postgresql_where=text(LIMITED)),
    Index("ix_task_instance_wholes_ended", "finished_time", sqlite_where=text(WHOLES_ENDED),
          postgresql_where=text(WHOLES_ENDED)),
    Index("ix_task_instance_running", "resource_group_id", sqlite_where=text(RUNNING), postgresql_where=text(RUNNING)),
)  # fmt: skip

instance_edge = Table(
    "instance_edge",
    metadata,
    _number("downstream_id", required=True),
    _number("upstream_id", required=True),
    _text("type", required=True),  # Normal, CrossCycle or Gate (a date of a serial backfill)
    _flag("satisfied"),
    _flag("skips"),  # its upstream, a branch or below one, does not choose the downstream
    PrimaryKeyConstraint("downstream_id", "upstream_id", "type"),
    Index("ix_instance_edge_upstream", "upstream_id"),
    sqlite_with_rowid=False,
)

instance_variable = Table(
    "instance_variable",
    metadata,
    _number("instance_id", required=True),
    _text("name", required=True),
    _text("value", required=True),  # JSON: a text, a row or rows (domain/variables)
    PrimaryKeyConstraint("instance_id", "name"),
    sqlite_with_rowid=False,
)

iteration = Table(
    "iteration",
    metadata,
    _number("instance_id", required=True),  # of the loop
    _count("run_number"),
    _count("turn"),  # from 0
    _number("representative_id", required=True),  # of the workflow instance that is this turn of the loop's body
    _text("current"),  # JSON: the element that a for-each goes over
    PrimaryKeyConstraint("instance_id", "run_number", "turn"),
    Index("ix_iteration_representative_id", "representative_id"),
    sqlite_with_rowid=False,
)

run = Table(
    "run",
    metadata,
    _number("instance_id", required=True),
    _count("run_number"),
    _text("runner", required=True),
    _text("boot", required=True),  # the machine's boot, so that power loss is told from a restart
    _text("log"),
    _text("inputs"),  # JSON: input variables, known only at dispatch
    _time("wait_trigger_time"),
    _time("wait_resource_time"),
    _time("started_time", required=True),
    _time("finished_time"),
    _text("status"),
    _text("outcome"),
    Column("exit_code", Integer),
    _number("process_id"),
    _text("message"),
    PrimaryKeyConstraint("instance_id", "run_number"),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _number("instance_id", required=True),
    _count("run_number"),
    _text("from_status", required=True),
    _text("to_status", required=True),
    _text("cause", required=True),
    _time("time", required=True),
    _text("user"),
    _text("detail"),
    Index("ix_event_instance", "instance_id"),
)

operation_log = Table(
    "operation_log",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _text("action", required=True),
    _text("account_id", required=True),
    _text("request_id", required=True),
    _time("time", required=True),
    _text("code"),  # null: it succeeded
    _text("objects"),  # JSON: the ids it names
    _text("comment"),
    Index("ix_operation_log_time", "time"),
)
