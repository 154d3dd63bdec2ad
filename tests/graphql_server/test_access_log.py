"""The access log tells one GraphQL request from another by its operation."""

import pytest
import structlog
from httpx import AsyncClient

DOCUMENT = "query WhatIsOn { __typename }"


async def logged(client: AsyncClient, name: str | None) -> object:
    await client.post("/graphql", json={"query": DOCUMENT, "operationName": name})
    return structlog.contextvars.get_contextvars().get("operation")


async def test_a_request_is_logged_with_the_operation_that_it_names(client: AsyncClient) -> None:
    assert await logged(client, "WhatIsOn") == "WhatIsOn"


@pytest.mark.parametrize("name", [None, "", "x" * 65, "a\nb", "é", "{}"])
async def test_nothing_but_a_name_gets_into_the_log(client: AsyncClient, name: str | None) -> None:
    assert await logged(client, name) is None
