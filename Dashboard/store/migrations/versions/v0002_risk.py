"""A number to sort assessments by, the most urgent first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, and work it out for what is there."""
    op.add_column("assessments", sa.Column("risk", sa.Double(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE assessments SET risk = ROUND(CAST(COALESCE(p_malignant, 0) AS NUMERIC), 6) + "
        "CASE verdict WHEN 'consultation' THEN 6 WHEN 'retake' THEN 4 WHEN 'none' THEN 2 ELSE 0 END"
    )
    columns = ["owner", "risk", "created", "key"]
    op.create_index("ix_assessments_owner_risk_created_key", "assessments", columns)
