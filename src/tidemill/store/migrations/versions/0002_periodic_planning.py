"""The clock: planned dates, resolved links of a version, zones of triggers, isolated instances, windows of runs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planned_date",
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("run_date", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.BigInteger(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("time_zone", "run_date", name=op.f("pk_planned_date")),
    )
    op.add_column("workflow", sa.Column("time_zone", sa.Text(), nullable=True))
    op.add_column("workflow_version", sa.Column("links", sa.Text(), nullable=True))
    op.add_column("task_instance", sa.Column("isolated", sa.Integer(), server_default="0", nullable=False))
    op.add_column("task_instance", sa.Column("run_window", sa.Text(), nullable=True))
