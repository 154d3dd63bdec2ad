"""A cinema, and two servers of it: one plans its reads, one runs all of them on the executor."""

from collections.abc import AsyncIterator

import pytest

from config.settings import Settings
from db.engine import Database
from tests.graphql_server.planner.both import Both, both
from tests.graphql_server.planner.house import House, make_house


@pytest.fixture
async def house(database: Database) -> House:
    """The cinema."""
    return await make_house(database)


@pytest.fixture
async def ask(settings: Settings) -> AsyncIterator[Both]:
    """What asks both servers."""
    async with both(settings) as servers:
        yield servers
