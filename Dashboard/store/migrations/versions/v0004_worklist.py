"""What the worklist needs: batches, uploads kept once, a way back, thumbnails, an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
# The index that lists are read off, in the order of its columns.
LISTED = (
    "owner", "created", "key", "risk", "verdict", "code", "p_malignant", "certainty", "quality",
    "model", "lesion_id", "flag", "clinician_verdict", "batch", "removed", "file_folded",
)  # fmt: skip


def upgrade() -> None:
    """Add the columns, the table and the indexes."""
    op.add_column("assessments", sa.Column("batch", sa.String(64)))
    op.add_column("assessments", sa.Column("upload", sa.String(64)))
    op.add_column("assessments", sa.Column("removed", sa.DateTime(timezone=True)))
    op.create_index("uq_assessments_owner_upload", "assessments", ["owner", "upload"], unique=True)
    op.create_index("ix_assessments_removed", "assessments", ["removed"])
    op.drop_index("ix_assessments_owner_created_key_file_folded", "assessments")
    op.create_index("ix_assessments_list", "assessments", list(LISTED))
    op.create_table(
        "thumbnails",
        sa.Column("picture_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("picture_id", name="pk_thumbnails"),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["pictures.id"], name="fk_thumbnails_picture_id", ondelete="CASCADE"
        ),
    )
