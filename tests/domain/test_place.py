from typing import Any

import pytest

from db import lists, paging
from db.engine import Database
from db.models import Place
from domain import place, session
from errors import InvalidInput, PlaceNotFound, Refusals, StillInUse
from tests.support.factories import make_booking, make_expired_booking, make_movie, make_place, make_session, soon

FACTS: dict[str, Any] = {"name": "Le Champo", "address": "51 rue des Écoles, Paris", "capacity": 120}


async def create(database: Database, **given: Any) -> Place:
    async with database.transaction() as tx:
        return await place.create_place(tx, **FACTS | given)


async def update(database: Database, place_id: int, **given: Any) -> Place:
    async with database.transaction() as tx:
        return await place.update_place(tx, place_id=place_id, **given)


async def delete(database: Database, place_id: int) -> None:
    async with database.transaction() as tx:
        await place.delete_place(tx, place_id=place_id)


def facts(made: Place) -> dict[str, Any]:
    return {name: getattr(made, name) for name in FACTS}


async def test_new_place_has_given_values(database: Database) -> None:
    assert facts(await create(database)) == FACTS


@pytest.mark.parametrize("capacity", [1, 100_000])
async def test_accepts_capacity_from_1_to_100000(database: Database, capacity: int) -> None:
    assert (await create(database, capacity=capacity)).capacity == capacity


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "\0"),
        ("address", " "),
        ("address", "x" * 501),
        ("capacity", 0),
        ("capacity", -5),
        ("capacity", 100_001),
        ("capacity", 10**20),
    ],
)
async def test_refuses_invalid_values_of_place(database: Database, field: str, value: object) -> None:
    kept = await make_place(database)
    for change in (create(database, **{field: value}), update(database, kept.id, **{field: value})):
        with pytest.raises(InvalidInput) as refused:
            await change
        assert refused.value.path == ("input", field)


async def test_refuses_all_faults_of_place_at_once(database: Database) -> None:
    with pytest.raises(Refusals) as refused:
        await create(database, name="", address="", capacity=0)
    assert len(refused.value.exceptions) == 3


@pytest.mark.parametrize("field", FACTS)
async def test_update_changes_given_values_only(database: Database, field: str) -> None:
    kept = await make_place(database)
    changed = await update(database, kept.id, **{field: FACTS[field]})
    assert facts(changed) == facts(kept) | {field: FACTS[field]}


async def test_new_capacity_applies_to_later_sessions(database: Database) -> None:
    movie, kept = await make_movie(database), await create(database, capacity=10)
    async with database.transaction() as tx:
        before = await session.schedule_session(tx, movie_id=movie.id, place_id=kept.id, starts_at=soon())
    await update(database, kept.id, capacity=5)
    async with database.transaction() as tx:
        after = await session.schedule_session(tx, movie_id=movie.id, place_id=kept.id, starts_at=soon(48))
    assert after.capacity == 5
    assert await database.primary.value("SELECT capacity FROM sessions WHERE id = %(id)s", id=before.id) == 10


async def test_renamed_place_moves_in_places_of_movie(database: Database) -> None:
    movie = await make_movie(database)
    first, second = await make_place(database, name="Aaa"), await make_place(database, name="Bbb")
    for each in (first, second):
        await make_session(database, movie=movie, place=each)
    await update(database, first.id, name="Ccc")
    listed = await paging.read_page(
        database.primary, database.cursors, lists.list_places_of_movie(movie.id), paging.make_window()
    )
    assert [each.name for each in listed.rows] == ["Bbb", "Ccc"]


async def test_refuses_update_and_delete_of_missing_place(database: Database) -> None:
    with pytest.raises(PlaceNotFound):
        await update(database, 1, name="x")
    with pytest.raises(PlaceNotFound):
        await delete(database, 1)


async def test_delete_removes_sessions_and_closed_bookings(database: Database) -> None:
    gone = await make_place(database)
    stays = await make_session(database)
    movie = await make_movie(database)
    lost = await make_session(database, movie=movie, place=gone)
    await make_expired_booking(database, session=lost, seats=2)
    await delete(database, gone.id)
    assert await database.primary.tuples("SELECT id FROM sessions") == [(stays.id,)]
    assert await database.primary.value("SELECT airing_to FROM movies WHERE id = %(id)s", id=movie.id) is None


@pytest.mark.parametrize("status", ["open", "confirmed"])
async def test_refuses_delete_of_booked_place(database: Database, status: str) -> None:
    kept = await make_place(database)
    await make_booking(database, session=await make_session(database, place=kept), seats=1, status=status)
    with pytest.raises(StillInUse):
        await delete(database, kept.id)
    assert await database.primary.value("SELECT count(*) FROM places") == 1
