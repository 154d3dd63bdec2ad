"""The table of page views."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, reference_column, text_column


class PageEventType(StrEnum):
    """Whether a page was entered or left."""

    PAGE_ENTER = "page_enter"
    PAGE_EXIT = "page_exit"


class PageView(SQLModel, table=True):
    """A page that a visitor entered or left; `query` is a list of [name, value] pairs."""

    __tablename__: ClassVar[str] = "page_views"
    __table_args__ = (
        CheckConstraint("type IN ('page_enter', 'page_exit')", name="page_views_type_check"),
        Index("page_views_by_time", "occurred_at", "id"),
        Index("page_views_of_tracking_id", "tracking_id", "occurred_at", "id"),
        Index("page_views_of_user", "user_id", "occurred_at", "id"),
        # By digest: a path may be longer than a B-tree entry.
        Index("page_views_of_path", func.md5(text("path")), text("occurred_at"), text("id")),
    )

    id: int = id_column()
    tracking_id: str = text_column()
    user_id: int | None = reference_column("users", nullable=True, delete="SET NULL")
    type: PageEventType = Field(sa_column=Column(Text, nullable=False))
    scheme: str = text_column()
    path: str = text_column()
    query: list[list[str]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    occurred_at: datetime = instant_column(default=True)
