"""A bound for every race: where a lock is missing a test must fail, and not wait for one that nobody lets go."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

# The slowest race takes some seconds, and a waiter for a lock gives up after 5. The rest is for a machine that is busy.
LONGEST_SECONDS: Final = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound every race of this folder."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(Path(__file__).parent):
            bound(item)


def bound(item: pytest.Function) -> None:
    """Give a race its bound; the machines of hypothesis, which run their own loops, are bounded by a signal."""
    if inspect.iscoroutinefunction(item.obj):
        item.obj = with_deadline(item.obj)
    else:
        item.add_marker(pytest.mark.timeout(4 * LONGEST_SECONDS))


def with_deadline(race: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return the race, which fails once it has lasted too long."""

    @wraps(race)
    async def bounded(*args: Any, **kwargs: Any) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await race(*args, **kwargs)
        except TimeoutError:
            pytest.fail(
                f"the race did not end within {LONGEST_SECONDS:g} s: somebody waits for a lock that nobody lets go"
            )

    return bounded
