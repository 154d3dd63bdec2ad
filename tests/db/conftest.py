"""What tests of the database share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.database_wire import Wire, wire_to


@pytest.fixture
async def wire(empty_database_url: str) -> AsyncIterator[Wire]:
    """A wire to the database, without a row in it."""
    async with wire_to(empty_database_url) as made:
        yield made
