"""How many pixels of a picture make a millimetre."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("assessments", sa.Column("pixels_per_mm", sa.Double()))
