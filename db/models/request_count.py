"""The tables of the request count that all servers add up."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, text
from sqlmodel import Field, SQLModel

from db.models.columns import instant_column


class RequestCount(SQLModel, table=True):
    """The requests that one run of a server has counted in this generation; only that run writes the row."""

    __tablename__: ClassVar[str] = "request_counts"
    __table_args__ = (CheckConstraint("counted >= 0", name="request_counts_counted_check"),)

    run: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    generation: int = Field(sa_column=Column(BigInteger, nullable=False))
    counted: int = Field(sa_column=Column(BigInteger, nullable=False))


class RequestCountReset(SQLModel, table=True):
    """One row at most: how often the count was reset, and by which run and when last. Older generations do not count."""

    __tablename__: ClassVar[str] = "request_count_resets"
    __table_args__ = (CheckConstraint("id = 1", name="request_count_resets_id_check"),)

    id: int = Field(
        default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False, server_default=text("1"))
    )
    generation: int = Field(sa_column=Column(BigInteger, nullable=False))
    run: int = Field(sa_column=Column(BigInteger, nullable=False))
    reset_at: datetime = instant_column()
