"""Rows by their ids: in the order asked for, once each, and from the primary where a standby is behind."""

import asyncio
from collections.abc import Mapping

from psycopg.rows import AsyncRowFactory

from db.engine import Database, StatementRunner, T
from db.models import Movie
from db.notices import Kind
from loaders.by_id import row_by_id
from tests.support.factories import make_movie
from tests.support.statements import Statements


class Behind(StatementRunner):
    """A standby that has heard of nothing yet."""

    async def fetch(
        self,
        factory: AsyncRowFactory[T],  # noqa: ARG002 - a StatementRunner takes all three
        statement: str,  # noqa: ARG002
        parameters: Mapping[str, object],  # noqa: ARG002
    ) -> list[T]:
        """Return no row."""
        return []

    def touch(self, kind: Kind, identity: int) -> None:
        """Change nothing."""


async def test_returns_rows_in_order_of_ids(database: Database, statements: Statements) -> None:
    movies = [await make_movie(database) for _ in range(3)]
    loader = row_by_id(database.primary, Movie)
    ids = [movies[2].id, 1, movies[0].id, movies[2].id]
    statements.clear()
    found = await asyncio.gather(*map(loader.load, ids))
    assert [row and row.id for row in found] == [movies[2].id, None, movies[0].id, movies[2].id]
    assert len(statements) == 1


async def test_reads_rows_missing_on_standby_from_primary(database: Database) -> None:
    movie = await make_movie(database)
    loader = row_by_id(Behind(), Movie, newest=database.primary)
    found = await loader.load(movie.id)
    assert found is not None
    assert found.title == movie.title
    assert await loader.load(1) is None


async def test_reads_once_without_standby(database: Database, statements: Statements) -> None:
    assert await row_by_id(database.standby, Movie, newest=database.primary).load(1) is None
    assert len(statements) == 1
