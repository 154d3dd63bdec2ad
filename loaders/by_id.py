"""Loads rows by id: one statement for all ids that a request asks for at the same time."""

from collections.abc import Sequence
from functools import cache

from aiodataloader import DataLoader

from db import paging, selects
from db.engine import StatementRunner
from db.pipeline.statement import Row
from loaders.shielded import ShieldedLoader


@cache
def write_select_by_ids(model: type[Row], *, hidden_too: bool) -> str:
    """Return the SQL text that reads rows of the model by their ids."""
    return paging.compile_sql(selects.select_by_ids(model, hidden_too=hidden_too))


def row_by_id(
    source: StatementRunner, model: type[Row], *, newest: StatementRunner | None = None, hidden_too: bool = False
) -> DataLoader[int, Row | None]:
    """Return the loader of rows by id, None for a missing row; with `hidden_too` it finds hidden rows as well.

    Rows that `source` lacks are read from `newest`: a booking, read from the primary, may name a session that the
    standby has not replayed yet.
    """

    async def read(runner: StatementRunner, ids: Sequence[int]) -> dict[int, Row]:
        rows = await runner.rows(model, write_select_by_ids(model, hidden_too=hidden_too), ids=list(ids))
        return {row.__dict__["id"]: row for row in rows}

    async def load(ids: Sequence[int]) -> list[Row | None]:
        found = await read(source, ids)
        missing = [identity for identity in ids if identity not in found]
        if missing and newest is not None and newest != source:
            found |= await read(newest, missing)
        return [found.get(identity) for identity in ids]

    return ShieldedLoader(load)
