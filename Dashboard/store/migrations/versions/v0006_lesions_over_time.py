"""When a picture was taken, what was measured of it, and how one of a lesion lies on another."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns and the tables; of what is there, nobody has said when it was taken."""
    op.add_column("assessments", sa.Column("taken_at", sa.DateTime(timezone=True)))
    op.add_column("assessments", sa.Column("taken_offset", sa.Integer()))
    op.create_table(
        "measurements",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_measurements"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["assessments.id"], name="fk_measurements_item_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "registrations",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("onto_id", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "onto_id", name="pk_registrations"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["assessments.id"], name="fk_registrations_item_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["onto_id"], ["assessments.id"], name="fk_registrations_onto_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_registrations_onto_id", "registrations", ["onto_id"])
