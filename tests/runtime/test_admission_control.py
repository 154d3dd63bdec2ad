"""Queries take turns: in the order in which they came, never more at once than there is room for, and none of it is lost."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from starlette.applications import Starlette

from errors import Unavailable
from runtime import admission_control
from runtime.admission_control import AdmissionControl
from tests.conftest import running

QUERY = "{ movies { nodes { title } } }"
MUTATION = """
    mutation { signIn(input: {identity: {email: "nobody@example.org"}, password: "12345678"}) { errors { code } } }
"""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    monkeypatch.setattr(admission_control, "PATIENCE_SECONDS", 0.05)


async def test_never_more_at_once_than_there_is_room_for() -> None:
    made, under_way, most = AdmissionControl(10), 0, 0

    async def work(cost: int) -> None:
        nonlocal under_way, most
        async with made.take_room(cost):
            under_way += cost
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= cost

    await asyncio.gather(*[work(1 + number % 7) for number in range(200)])

    assert most <= 10
    async with made.take_room(10):
        pass


async def test_a_large_one_has_its_turn_before_those_who_came_later() -> None:
    made, order = AdmissionControl(10), list[str]()

    async def work(name: str, cost: int) -> None:
        async with made.take_room(cost):
            order.append(name)

    async with made.take_room(1):
        waiting = [asyncio.create_task(work(*each)) for each in (("large", 10), ("small", 1))]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == ["large", "small"]


async def test_one_that_is_larger_than_the_room_runs_alone() -> None:
    made = AdmissionControl(10)
    async with made.take_room(1_000):
        second = asyncio.create_task(made.take_room(1).__aenter__())
        await asyncio.sleep(0)
        assert not second.done()
    await second


@pytest.mark.usefixtures("hurried")
async def test_who_waits_too_long_is_refused_and_takes_no_room() -> None:
    made = AdmissionControl(10)
    async with made.take_room(10):
        with pytest.raises(Unavailable):
            async with made.take_room(1):
                pytest.fail("there is no room")
    async with made.take_room(10):
        pass


async def test_who_joins_a_line_that_stands_is_refused_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission_control, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(admission_control, "HURRIED_SECONDS", 0.01)
    made = AdmissionControl(10)
    async with made.take_room(10):
        first = asyncio.create_task(made.take_room(1).__aenter__())
        second = asyncio.create_task(made.take_room(1).__aenter__())
        await asyncio.sleep(0.05)
        # The line has not stood for long yet.
        assert not second.done()
        monkeypatch.setattr(admission_control, "STANDING_SECONDS", 0.0)
        with pytest.raises(Unavailable):
            await made.take_room(1).__aenter__()
        assert not first.done()
    await asyncio.gather(first, second)
    made.leave(1)
    made.leave(1)

    # The line has ended, and another one begins.
    monkeypatch.setattr(admission_control, "STANDING_SECONDS", 60.0)
    async with made.take_room(10):
        third = asyncio.create_task(made.take_room(1).__aenter__())
        await asyncio.sleep(0.05)
        assert not third.done()
    await third


async def test_without_a_database_nobody_is_left_waiting() -> None:
    made = AdmissionControl(10)
    async with made.take_room(10):
        waiting = [asyncio.create_task(made.take_room(cost).__aenter__()) for cost in (1, 10)]
        await asyncio.sleep(0)
        made.refuse()
        assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [Unavailable] * 2
    async with made.take_room(10):
        pass


async def test_who_goes_away_leaves_the_turn_to_the_next() -> None:
    made = AdmissionControl(10)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(made.take_room(5))
        gone = asyncio.create_task(made.take_room(10).__aenter__())
        await asyncio.sleep(0)
        next_one = asyncio.create_task(made.take_room(5).__aenter__())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        await asyncio.wait_for(next_one, 1)


async def test_who_goes_away_in_the_moment_of_its_turn_gives_it_back() -> None:
    made = AdmissionControl(10)
    async with made.take_room(10):
        gone = asyncio.create_task(made.take_room(10).__aenter__())
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    await asyncio.wait_for(made.take_room(10).__aenter__(), 1)


@pytest.mark.usefixtures("hurried", "database")
async def test_a_full_worker_answers_503_to_queries_and_goes_on_with_the_rest(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = AdmissionControl(10)
    monkeypatch.setattr("app.AdmissionControl", lambda **_: made)
    async with running(app) as client:
        async with made.take_room(10):
            refused = await client.post("/graphql", json={"query": QUERY})
            mutation = await client.post("/graphql", json={"query": MUTATION})
        again = await client.post("/graphql", json={"query": QUERY})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert mutation.json()["data"] == {"signIn": {"errors": [{"code": "INVALID_CREDENTIALS"}]}}
    assert again.json()["data"] == {"movies": {"nodes": []}}
