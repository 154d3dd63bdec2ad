"""The table of recorded responses to requests with an idempotency key."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from db.models.columns import instant_column


class IdempotencyKey(SQLModel, table=True):
    """The response to a request with an `Idempotency-Key`, for a day. Encrypted: it may hold a token or a name.

    Without a response the request runs outside of a transaction, and holds the key until `leased_until`.
    """

    __tablename__: ClassVar[str] = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (leased_until IS NOT NULL)", name="idempotency_keys_lease_check"),
        Index("idempotency_keys_by_age", "created_at"),
    )

    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = instant_column(default=True)
    leased_until: datetime | None = instant_column(nullable=True)
