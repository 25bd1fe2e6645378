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
    op.add_column("task_instance", sa.Column("control", sa.Text(), nullable=True))
    op.add_column("task_instance", sa.Column("unchosen", sa.Integer(), server_default="0", nullable=False))
    op.add_column("instance_edge", sa.Column("skips", sa.Integer(), server_default="0", nullable=False))
