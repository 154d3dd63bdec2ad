"""Places through GraphQL: lists, search, what they show, and what staff do to them."""

from typing import Any

import pytest

from db.engine import Database
from db.models import User
from tests.support.documents import barred, done, refused
from tests.support.factories import make_booking, make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.graphql_client import GraphQL

LIST = "query ($filter: PlaceFilter) { places(filter: $filter) { totalCount nodes { name } } }"
FACTS: dict[str, Any] = {"name": "Le Champo", "address": "51 rue des Écoles, Paris", "capacity": 130}
CHANGES = ["createPlace", "updatePlace", "deletePlace"]


@pytest.fixture
async def staff(database: Database) -> User:
    """Who may change places."""
    return await make_user(database, is_staff=True)


async def names(graphql: GraphQL, search: str | None = None) -> list[str]:
    """Return the names in the list."""
    found = (await graphql(LIST, {"filter": {"search": search}})).data["places"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def test_places_are_listed_by_name(database: Database, graphql: GraphQL) -> None:
    for name in ("Zoo", "éclair", "Eden", "abc"):
        await make_place(database, name=name)
    assert await names(graphql) == ["abc", "éclair", "Eden", "Zoo"]


@pytest.mark.parametrize("search", ["eclair", "ÉCLAIR", "ecalir", "eclai", "palace eclair"])
async def test_search_finds_places_despite_accents_and_typing_errors(
    database: Database, graphql: GraphQL, search: str
) -> None:
    await make_place(database, name="Éclair Palace")
    await make_place(database, name="Eden")
    assert await names(graphql, search) == ["Éclair Palace"]


async def test_place_has_its_values(database: Database, graphql: GraphQL) -> None:
    place = await make_place(database, **FACTS)
    document = "query ($id: ID!) { place(id: $id) { id name address capacity } }"
    assert (await graphql(document, {"id": f"plc_{place.id}"})).data == {"place": FACTS | {"id": f"plc_{place.id}"}}
    assert (await graphql(document, {"id": "plc_1"})).data == {"place": None}


async def test_movies_of_place_are_those_that_it_still_shows(database: Database, graphql: GraphQL) -> None:
    place = await make_place(database)
    good, new, over = [await make_movie(database, title=title) for title in ("Good", "New", "Over")]
    await make_rating(database, movie=good, value=5.0)
    # It runs at this moment; the next one begins when it ends.
    for movie, start in ((good, soon(-1)), (new, soon(24)), (over, soon(-5))):
        await make_session(database, movie=movie, place=place, starts_at=start)
    await make_session(database, movie=over, starts_at=soon(24))
    document = """query ($id: ID!) { place(id: $id) {
        movies { totalCount nodes { title } } new: movies(sort: NEW) { nodes { title } }
    } }"""
    found = (await graphql(document, {"id": f"plc_{place.id}"})).data["place"]
    assert found["movies"] == {"totalCount": 2, "nodes": [{"title": "Good"}, {"title": "New"}]}
    assert found["new"] == {"nodes": [{"title": "New"}, {"title": "Good"}]}


# Staff


async def test_creates_place(graphql: GraphQL, staff: User) -> None:
    place = (await done(graphql, "createPlace", by=staff, **FACTS))["place"]
    assert place.pop("id").startswith("plc_")
    assert place == FACTS


@pytest.mark.parametrize("field", FACTS)
async def test_update_changes_given_values_of_place_only(
    database: Database, graphql: GraphQL, staff: User, field: str
) -> None:
    place = await make_place(database)
    before = {"name": place.name, "address": place.address, "capacity": 100}
    after = (await done(graphql, "updatePlace", by=staff, id=f"plc_{place.id}", **{field: FACTS[field]}))["place"]
    assert {name: after[name] for name in before} == before | {field: FACTS[field]}


async def test_new_capacity_applies_to_later_sessions(database: Database, graphql: GraphQL, staff: User) -> None:
    session = await make_session(database)
    await done(graphql, "updatePlace", by=staff, id=f"plc_{session.place_id}", capacity=7)
    given = {"movieId": f"mov_{session.movie_id}", "placeId": f"plc_{session.place_id}"}
    later = await done(graphql, "scheduleSession", by=staff, startsAt=soon(99).isoformat(), **given)
    assert later["session"]["capacity"] == 7
    document = "query ($id: ID!) { session(id: $id) { capacity } }"
    assert (await graphql(document, {"id": f"ses_{session.id}"})).data == {"session": {"capacity": 100}}


async def test_deletes_place(database: Database, graphql: GraphQL, staff: User) -> None:
    place_id = f"plc_{(await make_place(database)).id}"
    assert await done(graphql, "deletePlace", by=staff, id=place_id) == {"deletedId": place_id}
    assert await names(graphql) == []


UNFIT = [
    ("name", ""),
    ("name", "x" * 201),
    ("address", " "),
    ("address", "x" * 501),
    ("capacity", 0),
    ("capacity", -5),
    ("capacity", 100_001),
]


@pytest.mark.parametrize(("field", "value"), UNFIT)
async def test_refuses_invalid_values_of_place(
    database: Database, graphql: GraphQL, staff: User, field: str, value: object
) -> None:
    fault = [("InvalidInput", "INVALID_INPUT", ["input", field])]
    place = await make_place(database)
    assert await refused(graphql, "createPlace", by=staff, **FACTS | {field: value}) == fault
    assert await refused(graphql, "updatePlace", by=staff, id=f"plc_{place.id}", **{field: value}) == fault


async def test_refuses_all_faults_of_place_at_once(graphql: GraphQL, staff: User) -> None:
    refusal = await refused(graphql, "createPlace", by=staff, name="", address="", capacity=0)
    assert [path for _, _, path in refusal] == [["input", "name"], ["input", "address"], ["input", "capacity"]]


async def test_refuses_update_and_delete_of_missing_place(graphql: GraphQL, staff: User) -> None:
    for mutation in ("updatePlace", "deletePlace"):
        assert await refused(graphql, mutation, by=staff, id="plc_1") == [
            ("NotFound", "PLACE_NOT_FOUND", ["input", "id"])
        ]
        refusal = await refused(graphql, mutation, by=staff, id="mov_1")
        assert refusal == [("InvalidInput", "INVALID_ID", ["input", "id"])]


async def test_refuses_delete_of_booked_place(database: Database, graphql: GraphQL, staff: User) -> None:
    session = await make_session(database)
    await make_booking(database, session=session)
    refusal = await refused(graphql, "deletePlace", by=staff, id=f"plc_{session.place_id}")
    assert refusal == [("Conflict", "STILL_IN_USE", [])]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_only_staff_may_change_places(database: Database, graphql: GraphQL, mutation: str) -> None:
    user, place = await make_user(database), await make_place(database)
    given = FACTS if mutation == "createPlace" else {"id": f"plc_{place.id}"}
    assert await barred(graphql, mutation, **given) == "UNAUTHENTICATED"
    assert await barred(graphql, mutation, by=user, **given) == "FORBIDDEN"
    assert await names(graphql) == [place.name]
