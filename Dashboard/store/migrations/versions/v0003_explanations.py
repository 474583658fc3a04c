"""Explanations: what was asked for, how far it is, and what came out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "explanations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64)),
        sa.Column("address", sa.String(32), nullable=False),
        sa.Column("item_id", sa.Integer()),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("precision", sa.String(8), nullable=False),
        sa.Column("target", sa.String(64)),
        sa.Column("order", sa.JSON(), nullable=False),
        sa.Column("lane", sa.String(8), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("lease", sa.DateTime(timezone=True)),
        sa.Column("patience", sa.Double(), nullable=False),
        sa.Column("wanted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True)),
        sa.Column("finished", sa.DateTime(timezone=True)),
        sa.Column("estimate", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double()),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_explanations"),
        sa.UniqueConstraint("key", name="uq_explanations_key"),
        sa.UniqueConstraint("owner", "request", name="uq_explanations_owner_request"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["assessments.id"], name="fk_explanations_item_id", ondelete="CASCADE"
        ),
    )
    for columns in (
        ("state", "lane", "turn", "id"),
        ("model", "method", "precision", "seconds"),
        ("expires",),
        ("item_id",),
    ):
        op.create_index(f"ix_explanations_{'_'.join(columns)}", "explanations", list(columns))
