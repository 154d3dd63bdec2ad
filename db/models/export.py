"""The table of exports."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, reference_column


class ExportStatus(StrEnum):
    """What an export can be."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class MovieExport(SQLModel, table=True):
    """A CSV of every movie seen at the providers within a day; the daily export of the server has no user."""

    __tablename__: ClassVar[str] = "movie_exports"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'expired')", name="movie_exports_status_check"
        ),
        Index("movie_exports_of_user", "user_id", "id"),
        Index("movie_exports_due", "expires_at", postgresql_where=text("status = 'completed'")),
    )

    id: int = id_column()
    user_id: int | None = reference_column("users", nullable=True)
    status: ExportStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'queued'")))
    row_count: int | None = Field(default=None, sa_column=Column(Integer))
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    error: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = instant_column(default=True)
    completed_at: datetime | None = instant_column(nullable=True)
    expires_at: datetime | None = instant_column(nullable=True)
