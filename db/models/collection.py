"""The tables of collections and of the movies in them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy import Uuid as UuidColumn
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from db.models.columns import derived_column, id_column, instant_column, reference_column, text_column


class Collection(SQLModel, table=True):
    """Movies of the third-party catalogue that a user collects."""

    __tablename__: ClassVar[str] = "collections"
    __table_args__ = (Index("collections_of_user", "user_id", "id"),)

    id: int = id_column()
    user_id: int = reference_column("users")
    title: str = text_column()
    description: str = text_column()
    created_at: datetime = instant_column(default=True)
    updated_at: datetime = instant_column(default=True)


class CollectedMovie(SQLModel, table=True):
    """A movie of a collection, with the texts that the user sent; the catalogue may have changed or dropped it since."""

    __tablename__: ClassVar[str] = "collected_movies"
    __table_args__ = (UniqueConstraint("collection_id", "uuid", name="collected_movies_collection_id_uuid_key"),)

    collection_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    uuid: UUID = Field(sa_column=Column(UuidColumn, nullable=False))
    title: str = text_column()
    description: str = text_column()
    # The one text that the catalogue writes, and what it means.
    genres: str = text_column()
    genre_names: list[str] = derived_column(ARRAY(Text), "genre_names(genres)")
