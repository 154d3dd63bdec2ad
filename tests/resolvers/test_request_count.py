"""The request count where GraphQL has no word for it."""

from types import SimpleNamespace
from typing import cast

import pytest

from resolvers.context import Context
from resolvers.request_count import read_count
from runtime.request_count import make_private_counter


@pytest.mark.parametrize(("counted", "shown"), [(7, 7), (2**31 - 1, 2**31 - 1), (2**31, 2**31 - 1), (2**40, 2**31 - 1)])
async def test_request_count_is_at_most_the_largest_int(counted: int, shown: int) -> None:
    counting = make_private_counter()
    counting.merge_others(1, counted)
    context = cast("Context", SimpleNamespace(user_id=1, services=SimpleNamespace(request_counter=counting)))

    assert await read_count(context) == shown
