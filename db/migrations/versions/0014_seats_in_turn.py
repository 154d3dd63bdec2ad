"""Seats in turn: an aggregate that grants seats to one caller after the other, each of whom gets all or none."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION grant_seats(granted bigint, more bigint, room bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN granted + more <= room THEN granted + more ELSE granted END
$$
"""
# As a window function over callers in their order, it returns what is granted to a caller and those before.
AGGREGATE = """
CREATE AGGREGATE grant_seats(more bigint, room bigint) (SFUNC = grant_seats, STYPE = bigint, INITCOND = '0')
"""


def upgrade() -> None:
    """Add the aggregate. A server that meets a database without it makes the changes one by one."""
    op.execute(FUNCTION)
    op.execute(AGGREGATE)


def downgrade() -> None:
    """Drop the aggregate and its function."""
    op.execute("DROP AGGREGATE grant_seats(bigint, bigint)")
    op.execute("DROP FUNCTION grant_seats(bigint, bigint, bigint)")
