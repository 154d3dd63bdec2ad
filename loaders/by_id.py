"""Rows by their ids, one statement for all that a request asks for at the same time."""

from collections.abc import Sequence
from functools import cache

from aiodataloader import DataLoader

from db import lists, paging
from db.engine import Reading, Row


@cache
def statement(model: type[Row]) -> str:
    """Return the SQL text that reads rows of the model by their ids."""
    return paging.sql(lists.by_id(model))


def row_by_id(source: Reading, model: type[Row]) -> DataLoader[int, Row | None]:
    """Return the loader of rows by id; None stands for one that is not there."""

    async def load(ids: Sequence[int]) -> list[Row | None]:
        rows = await source.rows(model, statement(model), ids=list(ids))
        found = {row.__dict__["id"]: row for row in rows}
        return [found.get(identity) for identity in ids]

    return DataLoader(load)
