"""The table of places."""

from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlmodel import Field, SQLModel

from db.models.columns import CODEPOINTS, NO_PENDING_LIST, derived_column, id_column, text_column


class Place(SQLModel, table=True):
    """A cinema; each has one room."""

    __tablename__: ClassVar[str] = "places"
    __table_args__ = (
        CheckConstraint("capacity BETWEEN 1 AND 100000", name="places_capacity_check"),
        Index("places_by_name", "name_key", "id"),
        Index("places_by_lexeme", "name_lexemes", postgresql_using="gin", postgresql_with=NO_PENDING_LIST),
    )

    id: int = id_column()
    name: str = text_column()
    name_key: str = derived_column(Text(collation=CODEPOINTS), "fold(name)")
    name_lexemes: str = derived_column(TSVECTOR, "lexemes(fold(name))", internal=True)
    # Searched by servers of the version before this one.
    name_trigrams: list[str] = derived_column(ARRAY(Text), "trigrams(fold(name))", internal=True)
    address: str = text_column()
    capacity: int = Field(sa_column=Column(Integer, nullable=False))
