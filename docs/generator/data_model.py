# ruff: noqa: INP001 - part of a script, see __main__.py
"""The page of the tables, drawn from the models in db/models/."""

import inspect
from collections.abc import Iterator
from typing import Any, Final

from markdown import NOTE
from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.schema import CreateIndex
from sqlmodel import SQLModel

import db.models  # noqa: F401  # fills the metadata

DIALECT: Final = dialect()  # type: ignore[no-untyped-call]
SHORT_TYPES: Final = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "DOUBLE PRECISION": "double"}
INTRODUCTION: Final = """
# Data model

This page is drawn from the models in `db/models/`; the migrations in `db/migrations/versions/` make the same tables. The
database generates every `id` ([ADR 2](adr/0002-snowflake-ids-from-the-database.md)). It computes a *derived* column from other
columns of its row. Triggers maintain `movies.airing_from`, `airing_to`, `rating_sum`, `rating_count`, `sessions.ends_at` and all
of `airings` ([ADR 6](adr/0006-derived-columns-by-triggers.md)). The tables of the job queue are procrastinate's, in the schema
`queue`.

"""


def data_model() -> str:
    """Return docs/data-model.md."""
    tables = SQLModel.metadata.tables.values()
    diagram = "".join(map(entity, tables)) + "".join(map(relations, tables))
    sections = "\n".join(map(section, tables))
    return f"{NOTE}{INTRODUCTION}```mermaid\nerDiagram\n{diagram}```\n\n{sections}"


def rows_of(table: Table) -> type[SQLModel]:
    """Return the class of a table's rows."""
    return next(model for model in SQLModel.__subclasses__() if getattr(model, "__table__", None) is table)


def entity(table: Table) -> str:
    """Return a table's box in the diagram."""
    lines = "".join(f"        {attribute(column)}\n" for column in table.columns)
    return f"    {table.name} {{\n{lines}    }}\n"


def attribute(column: Column[Any]) -> str:
    """Return a column's line in the diagram: type, name, keys, and in quotes what else is to be known."""
    keys = ", ".join(["PK"] * column.primary_key + ["FK"] * bool(column.foreign_keys))
    facts = ", ".join(["derived"] * (column.computed is not None) + ["may be null"] * bool(column.nullable))
    return " ".join(filter(None, (type_of(column), column.name, keys, facts and f'"{facts}"')))


def type_of(column: Column[Any]) -> str:
    """Return PostgreSQL's name of a column's type, in one word."""
    name = column.type.compile(DIALECT).partition(" COLLATE")[0]
    return SHORT_TYPES.get(name, name.lower())


def relations(table: Table) -> str:
    """Return the diagram's lines from the tables that this one refers to."""
    keys = sorted(table.foreign_keys, key=lambda key: key.parent.name)
    ends = ((key.column.table.name, "|o" if key.parent.nullable else "||", key.parent.name) for key in keys)
    return "".join(f"    {other} {end}--o{{ {table.name} : {name}\n" for other, end, name in ends)


def section(table: Table) -> str:
    """Return what the diagram cannot show of a table: what a row is, its rules, its indexes."""
    rules = "".join(f"- {rule}\n" for rule in (*constraints(table), *deletions(table), *indexes(table)))
    return f"## {table.name}\n\n{inspect.getdoc(rows_of(table))}\n\n{rules}"


def constraints(table: Table) -> Iterator[str]:
    """Yield what PostgreSQL itself makes sure of in every row."""
    for rule in sorted(table.constraints, key=lambda rule: str(rule.name)):
        if isinstance(rule, CheckConstraint):
            yield f"always `{rule.sqltext}`"
        if isinstance(rule, UniqueConstraint):
            yield f"unique `{', '.join(column.name for column in rule.columns)}`"


def deletions(table: Table) -> Iterator[str]:
    """Yield what becomes of a row when one that it refers to is deleted; where nothing is said, that is refused."""
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
        if key.ondelete == "CASCADE":
            yield f"deleted with its row of `{key.column.table.name}`"
        if key.ondelete == "SET NULL":
            yield f"`{key.parent.name}` becomes null when its row of `{key.column.table.name}` is deleted"


def indexes(table: Table) -> Iterator[str]:
    """Yield the indexes as PostgreSQL would list them."""
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield f"`{index.name}`: {'unique ' if index.unique else ''}`{definition(index)}`"


def definition(index: Index) -> str:
    """Return what an index is over."""
    whole = str(CreateIndex(index).compile(dialect=DIALECT))
    return whole.partition(f" ON {index.table.name} " if index.table is not None else " ON ")[2]
