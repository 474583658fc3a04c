"""The worklist by urgency, from any place: an index in that order that holds all of its filters."""

from alembic import op

revision = "0008"
down_revision = "0006"
COLUMNS = (
    "owner", "risk", "created", "key", "verdict", "code", "p_malignant", "certainty", "quality",
    "model", "lesion_id", "flag", "clinician_verdict", "batch", "removed", "file_folded",
)  # fmt: skip


def upgrade() -> None:
    """Put the index in the place of one that began alike and held nothing else."""
    op.create_index("ix_assessments_urgent", "assessments", list(COLUMNS))
    op.drop_index("ix_assessments_owner_risk_created_key", "assessments")
