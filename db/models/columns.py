"""Column types that the tables share."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Computed, DateTime, ForeignKey, Table, Text, text
from sqlmodel import Field, SQLModel

SNOWFLAKE: Final = text("snowflake()")

NOW: Final = text("clock_timestamp()")

# Keysets compare by code point, so that PostgreSQL's order is the same under every locale.
CODEPOINTS: Final = "C"

# Of GIN indexes. By default PostgreSQL first puts new entries into a list, which every search reads from end to end; a list
# of 425 pages made a search take 50 ms.
NO_PENDING_LIST: Final = {"fastupdate": "off"}


def id_column() -> Any:
    """Return the primary key, a snowflake that the database generates."""
    return Field(
        default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=False, server_default=SNOWFLAKE)
    )


def reference_column(table: str, *, index: bool = False, nullable: bool = False, delete: str | None = None) -> Any:
    """Return a foreign key to a row of `table`."""
    key = ForeignKey(f"{table}.id", ondelete=delete)
    return Field(sa_column=Column(BigInteger, key, nullable=nullable, index=index))


def instant_column(*, default: bool = False, nullable: bool = False) -> Any:
    """Return a column of an instant; `default` is the database's clock."""
    column = Column(DateTime(timezone=True), nullable=nullable, server_default=NOW if default else None)
    return Field(default=None, sa_column=column)


def text_column(*, unique: bool = False) -> Any:
    """Return a column of text that is not null."""
    return Field(sa_column=Column(Text, nullable=False, unique=unique))


def derived_column(type_: Any, expression: str, *, nullable: bool = False, internal: bool = False) -> Any:
    """Return a column that the database computes from others of its row; `internal` ones are never read."""
    computed = Computed(expression, persisted=True)
    info = {"internal": internal}
    return Field(default=None, sa_column=Column(type_, computed, nullable=nullable, info=info))


def find_table(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that are composed."""
    made: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not say so
    return made
