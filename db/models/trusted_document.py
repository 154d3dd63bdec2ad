"""The table of trusted documents."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Text
from sqlmodel import Field, SQLModel

from db.models.columns import CODEPOINTS, instant_column, text_column


class TrustedDocument(SQLModel, table=True):
    """The exact text of a GraphQL document; a constraint makes the hash that of the text."""

    __tablename__: ClassVar[str] = "trusted_documents"
    __table_args__ = (
        CheckConstraint("hash = encode(sha256(convert_to(text, 'UTF8')), 'hex')", name="trusted_documents_hash_check"),
    )

    hash: str = Field(sa_column=Column(Text(collation=CODEPOINTS), primary_key=True))
    text: str = text_column()
    added_at: datetime = instant_column(default=True)
