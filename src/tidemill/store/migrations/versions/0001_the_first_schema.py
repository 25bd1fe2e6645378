"""The first schema"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "dependency",
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("downstream_kind", sa.Text(), nullable=False),
        sa.Column("downstream_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("upstream_output", sa.Text(), nullable=True),
        sa.Column("upstream_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("env", "downstream_id", "ordinal", name=op.f("pk_dependency")),
    )
    op.create_index("ix_dependency_upstream_id", "dependency", ["env", "upstream_id"], unique=False)
    op.create_index("ix_dependency_upstream_output", "dependency", ["env", "upstream_output"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("run_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_instance", "event", ["instance_id"], unique=False)
    op.create_table(
        "id_allocator",
        sa.Column("one", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_id_allocator")),
    )
    op.create_table(
        "instance_edge",
        sa.Column("downstream_id", sa.BigInteger(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("satisfied", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("downstream_id", "upstream_id", "type", name=op.f("pk_instance_edge")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_instance_edge_upstream", "instance_edge", ["upstream_id"], unique=False)
    op.create_table(
        "nonce",
        sa.Column("access_key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("access_key_id", "nonce", name=op.f("pk_nonce")),
    )
    op.create_index("ix_nonce_time", "nonce", ["time"], unique=False)
    op.create_table(
        "operation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("client_token", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Integer(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("finished_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
        sa.UniqueConstraint("client_token", name=op.f("uq_operation_client_token")),
        sa.UniqueConstraint("uuid", name=op.f("uq_operation_uuid")),
    )
    op.create_index(
        "ix_operation_unfinished",
        "operation",
        ["id"],
        unique=False,
        sqlite_where=sa.text("finished_time IS NULL"),
        postgresql_where=sa.text("finished_time IS NULL"),
    )
    op.create_table(
        "operation_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("objects", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_log")),
    )
    op.create_index("ix_operation_log_time", "operation_log", ["time"], unique=False)
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("modify_time", sa.BigInteger(), nullable=False),
        sa.Column("modify_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "project_member",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "account_id", name=op.f("pk_project_member")),
    )
    op.create_table(
        "resource_group",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_group")),
    )
    op.create_table(
        "run",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("run_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runner", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=True),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("wait_trigger_time", sa.BigInteger(), nullable=True),
        sa.Column("wait_resource_time", sa.BigInteger(), nullable=True),
        sa.Column("started_time", sa.BigInteger(), nullable=False),
        sa.Column("finished_time", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("process_id", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "run_number", name=op.f("pk_run")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tag",
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object_kind", "object_id", "env", "key", name=op.f("pk_tag")),
    )
    op.create_index("ix_tag_key", "tag", ["object_kind", "key", "value"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("client_unique_code", sa.Text(), nullable=False),
        sa.Column("trigger_type", sa.Text(), nullable=False),
        sa.Column("recurrence", sa.Text(), nullable=False),
        sa.Column("resource_group_id", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="1", nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("modify_time", sa.BigInteger(), nullable=False),
        sa.Column("modify_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "env", name=op.f("pk_task")),
        sa.UniqueConstraint("env", "client_unique_code", name=op.f("uq_task_env_client_unique_code")),
        sa.UniqueConstraint("env", "workflow_id", "name", name=op.f("uq_task_env_workflow_id_name")),
    )
    op.create_index("ix_task_project", "task", ["project_id", "env", "id"], unique=False)
    op.create_table(
        "task_instance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("task_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_instance_id", sa.BigInteger(), nullable=False),
        sa.Column("representative_id", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("planning_id", sa.BigInteger(), nullable=False),
        sa.Column("bizdate", sa.Text(), nullable=False),
        sa.Column("trigger_time", sa.BigInteger(), nullable=False),
        sa.Column("period_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("recurrence", sa.Text(), nullable=False),
        sa.Column("immediate", sa.Integer(), server_default="0", nullable=False),
        sa.Column("frozen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pending_upstreams", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waits_entry", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_time", sa.BigInteger(), nullable=False),
        sa.Column("upstreams_done_time", sa.BigInteger(), nullable=True),
        sa.Column("wait_resource_time", sa.BigInteger(), nullable=True),
        sa.Column("started_time", sa.BigInteger(), nullable=True),
        sa.Column("finished_time", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retries_used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost_runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stop_requested", sa.BigInteger(), nullable=True),
        sa.Column("stop_user", sa.Text(), nullable=True),
        sa.Column("rerun_mode", sa.Text(), nullable=False),
        sa.Column("rerun_times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rerun_interval", sa.Integer(), server_default="0", nullable=False),
        sa.Column("timeout", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resource_group_id", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="1", nullable=False),
        sa.Column("late", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("data_source", sa.Text(), nullable=True),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unfinished", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("operation_type", sa.Text(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("modify_time", sa.BigInteger(), nullable=False),
        sa.Column("modify_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_instance")),
        sa.UniqueConstraint(
            "env", "task_id", "trigger_time", "origin", name=op.f("uq_task_instance_env_task_id_trigger_time_origin")
        ),
    )
    op.create_index("ix_task_instance_list", "task_instance", ["project_id", "bizdate", "id"], unique=False)
    op.create_index("ix_task_instance_origin", "task_instance", ["origin"], unique=False)
    op.create_index(
        "ix_task_instance_queued",
        "task_instance",
        [
            "resource_group_id",
            sa.literal_column("priority DESC"),
            "late",
            sa.literal_column("weight DESC"),
            "trigger_time",
            "id",
        ],
        unique=False,
        sqlite_where=sa.text("finished_time IS NULL AND status = 'WaitResource'"),
        postgresql_where=sa.text("finished_time IS NULL AND status = 'WaitResource'"),
    )
    op.create_index(
        "ix_task_instance_ready",
        "task_instance",
        ["due_time"],
        unique=False,
        sqlite_where=sa.text("finished_time IS NULL AND status = 'NotRun' AND pending_upstreams = 0 AND frozen = 0"),
        postgresql_where=sa.text(
            "finished_time IS NULL AND status = 'NotRun' AND pending_upstreams = 0 AND frozen = 0"
        ),
    )
    op.create_index(
        "ix_task_instance_running",
        "task_instance",
        ["resource_group_id"],
        unique=False,
        sqlite_where=sa.text("finished_time IS NULL AND status = 'Running' AND kind = 'Task'"),
        postgresql_where=sa.text("finished_time IS NULL AND status = 'Running' AND kind = 'Task'"),
    )
    op.create_index("ix_task_instance_workflow_instance", "task_instance", ["workflow_instance_id"], unique=False)
    op.create_table(
        "task_output",
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("env", "output", name=op.f("pk_task_output")),
    )
    op.create_index("ix_task_output_owner", "task_output", ["owner_id", "env"], unique=False)
    op.create_table(
        "task_version",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("task_id", "env", "version", name=op.f("pk_task_version")),
    )
    op.create_table(
        "workflow",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("client_unique_code", sa.Text(), nullable=False),
        sa.Column("trigger_type", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("start_time", sa.Text(), nullable=True),
        sa.Column("end_time", sa.Text(), nullable=True),
        sa.Column("recurrence", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("instance_mode", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("modify_time", sa.BigInteger(), nullable=False),
        sa.Column("modify_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "env", name=op.f("pk_workflow")),
        sa.UniqueConstraint("env", "client_unique_code", name=op.f("uq_workflow_env_client_unique_code")),
    )
    op.create_index("ix_workflow_project", "workflow", ["project_id", "env", "id"], unique=False)
    op.create_table(
        "workflow_instance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("bizdate", sa.Text(), nullable=False),
        sa.Column("trigger_time", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("unified_id", sa.BigInteger(), nullable=False),
        sa.Column("task_instance_id", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.Column("modify_time", sa.BigInteger(), nullable=False),
        sa.Column("modify_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_instance")),
    )
    op.create_index("ix_workflow_instance_list", "workflow_instance", ["project_id", "bizdate", "id"], unique=False)
    op.create_index("ix_workflow_instance_origin", "workflow_instance", ["origin"], unique=False)
    op.create_index(
        "ix_workflow_instance_workflow", "workflow_instance", ["workflow_id", "env", "trigger_time"], unique=False
    )
    op.create_table(
        "workflow_version",
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("tasks", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("create_user", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workflow_id", "env", "version", name=op.f("pk_workflow_version")),
    )
    op.create_table(
        "access_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("secret_encrypted", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_key")),
    )
