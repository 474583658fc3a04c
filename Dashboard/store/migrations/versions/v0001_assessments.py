"""Pictures, lesions, assessments and their changes: the first state of the store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lesions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("body_site", sa.String(64)),
        sa.Column("age_band", sa.String(8)),
        sa.Column("sex", sa.String(8)),
        sa.Column("histology", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_lesions"),
        sa.UniqueConstraint("owner", "name", name="uq_lesions_owner_name"),
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
        sa.UniqueConstraint("sha256", "owner", name="uq_pictures_sha256_owner"),
    )
    op.create_table(
        "assessments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picture_id", sa.Integer(), nullable=False),
        sa.Column("lesion_id", sa.Integer()),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("file_folded", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("prediction", sa.Text()),
        sa.Column("probability", sa.Double()),
        sa.Column("p_malignant", sa.Double()),
        sa.Column("certainty", sa.String(16)),
        sa.Column("quality", sa.String(8), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("clinician_verdict", sa.String(16)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("flag", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assessments"),
        sa.UniqueConstraint("key", name="uq_assessments_key"),
        sa.ForeignKeyConstraint(["lesion_id"], ["lesions.id"], name="fk_assessments_lesion_id"),
        sa.ForeignKeyConstraint(["picture_id"], ["pictures.id"], name="fk_assessments_picture_id"),
    )
    for columns in (
        ("owner", "created", "key", "file_folded"),
        ("owner", "verdict", "created", "key"),
        ("owner", "code", "created", "key"),
        ("created",),
        ("lesion_id",),
        ("picture_id",),
    ):
        op.create_index(f"ix_assessments_{'_'.join(columns)}", "assessments", list(columns))
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("field", sa.String(32), nullable=False),
        sa.Column("old", sa.JSON(), nullable=False),
        sa.Column("new", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["assessments.id"], name="fk_changes_item_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_changes_item_id", "changes", ["item_id"])
