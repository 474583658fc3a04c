"""Pictures as vectors, to find similar ones by."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    """Make the table; what is there gets its vectors when they are first asked for."""
    op.create_table(
        "vectors",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_vectors"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["assessments.id"], name="fk_vectors_item_id", ondelete="CASCADE"
        ),
    )
