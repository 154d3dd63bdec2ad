"""Ticketed events and the counter's tickets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def identity() -> sa.Column[int]:
    """Return the primary key that the database makes by itself."""
    return sa.Column("id", sa.BigInteger(), server_default=sa.text("snowflake()"), autoincrement=False, nullable=False)


def moment(name: str) -> sa.Column[object]:
    """Return an instant that is the database's clock unless it is given."""
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def create_events() -> None:
    """Events, each with its stock of tickets."""
    op.create_table(
        "events",
        identity(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), sa.Computed("fold(name)", persisted=True), nullable=False),
        sa.Column(
            "name_trigrams",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("trigrams(fold(name))", persisted=True),
            nullable=False,
        ),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("availability", sa.Integer(), sa.Computed("capacity - taken", persisted=True), nullable=False),
        sa.Column("sold_out", sa.Boolean(), sa.Computed("taken >= capacity", persisted=True), nullable=False),
        moment("created_at"),
        moment("updated_at"),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name="events_taken_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_by_date", "events", ["date", "id"], postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_index(
        "events_with_tickets_by_date",
        "events",
        ["date", "id"],
        postgresql_where=sa.text("deleted_at IS NULL AND NOT sold_out"),
    )
    op.create_index("events_by_trigram", "events", ["name_trigrams"], postgresql_using="gin")


def create_event_reservations() -> None:
    """Tickets of events, a user's or nobody's."""
    op.create_table(
        "event_reservations",
        identity(),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        moment("created_at"),
        moment("updated_at"),
        sa.CheckConstraint("tickets > 0", name="event_reservations_tickets_check"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_reservations_of_user", "event_reservations", ["user_id", "id"])
    op.create_index(
        "event_reservations_of_event",
        "event_reservations",
        ["event_id"],
        postgresql_where=sa.text("NOT cancelled"),
    )


def create_shows() -> None:
    """What the counter sells tickets for."""
    op.create_table(
        "shows",
        identity(),
        sa.Column("show_timing", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), server_default=sa.text("20"), nullable=False),
        sa.Column("taken", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name="shows_taken_check"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("shows_show_timing_key", "shows", ["show_timing"], unique=True)


def create_tickets() -> None:
    """What was sold at the counter, and to whom."""
    op.create_table(
        "tickets",
        identity(),
        sa.Column("show_id", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("ticket_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("ticket_count > 0", name="tickets_ticket_count_check"),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tickets_of_show", "tickets", ["show_id", "id"])


def upgrade() -> None:
    """Make the tables, those that others refer to first."""
    create_events()
    create_event_reservations()
    create_shows()
    create_tickets()


def downgrade() -> None:
    """Leave nothing of them behind."""
    for table in ("tickets", "shows", "event_reservations", "events"):
        op.drop_table(table)
