"""The table of ratings."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Double, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, reference_column


class Rating(SQLModel, table=True):
    """What one user gave one movie, 0 to 5."""

    __tablename__: ClassVar[str] = "ratings"
    __table_args__ = (
        UniqueConstraint("user_id", "movie_id", name="ratings_user_id_movie_id_key"),
        CheckConstraint("value BETWEEN 0 AND 5", name="ratings_value_check"),
    )

    id: int = id_column()
    user_id: int = reference_column("users")
    movie_id: int = reference_column("movies", index=True)
    value: float = Field(sa_column=Column(Double, nullable=False))
    created_at: datetime = instant_column(default=True)
    updated_at: datetime = instant_column(default=True)
