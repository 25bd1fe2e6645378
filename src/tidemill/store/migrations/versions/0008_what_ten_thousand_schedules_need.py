"""Indexes that keep a deployment from reading all schedules, and none that lead there"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MADE = "origin > 0"
ZONED = "time_zone IS NOT NULL"


def upgrade() -> None:
    op.drop_index("ix_task_instance_origin", "task_instance")
    op.drop_index("ix_workflow_instance_origin", "workflow_instance")
    op.create_index(
        "ix_workflow_instance_origin",
        "workflow_instance",
        ["origin"],
        sqlite_where=sa.text(MADE),
        postgresql_where=sa.text(MADE),
    )
    op.create_index("ix_task_name", "task", ["env", "name"])
    op.create_index("ix_workflow_name", "workflow", ["env", "name"])
    op.create_index(
        "ix_workflow_time_zone",
        "workflow",
        ["env", "time_zone"],
        sqlite_where=sa.text(ZONED),
        postgresql_where=sa.text(ZONED),
    )
