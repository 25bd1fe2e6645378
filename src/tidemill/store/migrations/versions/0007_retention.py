"""An index by which ended workflow instances are pruned"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WHOLES_ENDED = "finished_time IS NOT NULL AND kind = 'Workflow'"


def upgrade() -> None:
    op.create_index(
        "ix_task_instance_wholes_ended",
        "task_instance",
        ["finished_time"],
        sqlite_where=sa.text(WHOLES_ENDED),
        postgresql_where=sa.text(WHOLES_ENDED),
    )
