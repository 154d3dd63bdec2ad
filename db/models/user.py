"""The table of accounts."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Text, func, text
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, text_column


class User(SQLModel, table=True):
    """An account, with an e-mail address, a username, or both."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (
        CheckConstraint("num_nonnulls(email, username) > 0", name="users_identity_check"),
        Index("users_email_key", func.lower(text("email")), unique=True),
        Index("users_username_key", func.lower(text("username")), unique=True),
        # Few users ever sign out everywhere, and each server reads the newest of them several times a second.
        Index("users_by_signed_out_at", "signed_out_at", postgresql_where=text("signed_out_at IS NOT NULL")),
    )

    id: int = id_column()
    email: str | None = Field(default=None, sa_column=Column(Text))
    username: str | None = Field(default=None, sa_column=Column(Text))
    password_hash: str = text_column()
    is_staff: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = instant_column(default=True)
    # How often the user has signed out everywhere: a token of an earlier generation is not accepted.
    token_generation: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    signed_out_at: datetime | None = instant_column(nullable=True)
