"""Control tasks: variables handed downstream, arms that were not chosen"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instance_variable",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "name", name=op.f("pk_instance_variable")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "iteration",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("run_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("representative_id", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "run_number", "turn", name=op.f("pk_iteration")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_iteration_representative_id", "iteration", ["representative_id"])
    op.add_column("task_instance", sa.Column("control", sa.Text(), nullable=True))
    op.add_column("task_instance", sa.Column("unchosen", sa.Integer(), server_default="0", nullable=False))
    op.add_column("instance_edge", sa.Column("skips", sa.Integer(), server_default="0", nullable=False))
