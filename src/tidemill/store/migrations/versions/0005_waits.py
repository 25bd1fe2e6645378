"""What an instance waits for: room among the instances of its task, and the signal of its trigger"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIMITED = "finished_time IS NULL AND status = 'WaitResource' AND max_parallel > 0"


def upgrade() -> None:
    op.add_column("task_instance", sa.Column("max_parallel", sa.Integer(), server_default="0", nullable=False))
    op.add_column("task_instance", sa.Column("signalled_time", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_task_instance_limited",
        "task_instance",
        ["env", "task_id"],
        sqlite_where=sa.text(LIMITED),
        postgresql_where=sa.text(LIMITED),
    )
