"""Sessions through GraphQL: those of a movie or a place between bounds, and the schedule that staff keep."""

from datetime import timedelta, timezone
from typing import Any

import pytest

from db.engine import Database
from db.models import User
from domain import instants
from tests.support.documents import barred, done, refused, send
from tests.support.factories import (
    make_booking,
    make_expired_booking,
    make_movie,
    make_place,
    make_session,
    make_user,
    soon,
)
from tests.support.graphql_client import GraphQL

OF_MOVIE = """query ($id: ID!, $place: ID, $from: DateTime, $to: DateTime) {
    movie(id: $id) { sessions(placeId: $place, from: $from, to: $to) { totalCount nodes { startsAt } } }
}"""
OF_PLACE = """query ($id: ID!, $movie: ID, $from: DateTime, $to: DateTime) {
    place(id: $id) { sessions(movieId: $movie, from: $from, to: $to) { totalCount nodes { startsAt } } }
}"""
CHANGES = ["scheduleSession", "rescheduleSession", "deleteSession"]


@pytest.fixture
async def staff(database: Database) -> User:
    """Who keeps the schedule."""
    return await make_user(database, is_staff=True)


async def starts(graphql: GraphQL, document: str, **variables: Any) -> list[str]:
    """Return the starts in a list of sessions."""
    (parent,) = (await graphql(document, variables)).data.values()
    assert parent["sessions"]["totalCount"] == len(parent["sessions"]["nodes"])
    return [node["startsAt"] for node in parent["sessions"]["nodes"]]


async def test_sessions_are_listed_latest_first_between_bounds_both_included(
    database: Database, graphql: GraphQL
) -> None:
    movie, place = await make_movie(database), await make_place(database)
    times = [soon(hours) for hours in (-48, 24, 48)]
    for start in times:
        await make_session(database, movie=movie, place=place, starts_at=start)
    past, first, last = map(instants.spell, times)
    for document, parent in ((OF_MOVIE, f"mov_{movie.id}"), (OF_PLACE, f"plc_{place.id}")):
        assert await starts(graphql, document, id=parent) == [last, first, past]
        assert await starts(graphql, document, id=parent, **{"from": first}) == [last, first]
        assert await starts(graphql, document, id=parent, to=first) == [first, past]
        assert await starts(graphql, document, id=parent, to=first, **{"from": first}) == [first]
        assert await starts(graphql, document, id=parent, **{"from": instants.spell(soon(49))}) == []


async def test_bounds_of_sessions_can_have_any_offset(database: Database, graphql: GraphQL) -> None:
    session = await make_session(database)
    offsets = [timezone(timedelta(hours=hours)) for hours in (-14, 5.5, 14)]
    for bound in [session.starts_at.astimezone(offset).isoformat() for offset in offsets]:
        found = await starts(graphql, OF_MOVIE, id=f"mov_{session.movie_id}", to=bound, **{"from": bound})
        assert found == [instants.spell(session.starts_at)]


async def test_filters_sessions_by_movie_and_place(database: Database, graphql: GraphQL) -> None:
    movie, place = await make_movie(database), await make_place(database)
    both = await make_session(database, movie=movie, place=place, starts_at=soon(24))
    await make_session(database, movie=movie, starts_at=soon(24))
    await make_session(database, place=place, starts_at=soon(48))
    expected = [instants.spell(both.starts_at)]
    assert await starts(graphql, OF_MOVIE, id=f"mov_{movie.id}", place=f"plc_{place.id}") == expected
    assert await starts(graphql, OF_PLACE, id=f"plc_{place.id}", movie=f"mov_{movie.id}") == expected
    assert await starts(graphql, OF_MOVIE, id=f"mov_{movie.id}", place="plc_1") == []


async def test_refuses_sessions_filtered_by_malformed_id(database: Database, graphql: GraphQL) -> None:
    session = await make_session(database)
    movie, place = f"mov_{session.movie_id}", f"plc_{session.place_id}"
    assert (await graphql(OF_MOVIE, {"id": movie, "place": movie})).codes == ["INVALID_ID"]
    assert (await graphql(OF_PLACE, {"id": place, "movie": place})).codes == ["INVALID_ID"]


DAYS = """query ($id: ID!, $place: ID, $from: DateTime, $first: Int = 100) {
    movie(id: $id) { sessionDays(placeId: $place, from: $from, first: $first) }
}"""


async def days(graphql: GraphQL, **variables: Any) -> list[str]:
    """Return the first starts of a movie's days."""
    found: list[str] = (await graphql(DAYS, variables)).data["movie"]["sessionDays"]
    return found


async def test_session_days_are_in_timezone_of_cinema(database: Database, graphql: GraphQL) -> None:
    movie, here, there = await make_movie(database), await make_place(database), await make_place(database)
    # Midnight in Paris is 22:00 or 23:00 in UTC; clocks change on 2031-10-26.
    times = ["2031-10-24T21:59:00Z", "2031-10-24T22:00:00Z", "2031-10-25T21:59:00Z", "2031-10-25T22:00:00Z"]
    times += ["2031-10-26T22:59:00Z", "2031-10-26T23:00:00Z", "2031-12-24T10:00:00Z"]
    for number, start in enumerate(times):
        place = there if number == len(times) - 1 else here
        await make_session(database, movie=movie, place=place, starts_at=instants.read(start))
    await make_session(database, movie=movie, place=here, starts_at=soon(-24))
    first_of_days = [times[0], times[1], times[3], times[5], times[6]]
    public_id = f"mov_{movie.id}"
    assert await days(graphql, id=public_id) == first_of_days
    assert await days(graphql, id=public_id, first=2) == first_of_days[:2]
    assert await days(graphql, id=public_id, **{"from": times[2]}) == [times[2], *first_of_days[2:]]
    assert await days(graphql, id=public_id, place=f"plc_{there.id}") == [times[6]]
    assert await days(graphql, id=public_id, place="plc_1") == []
    for number in (0, 101, -1):
        (error,) = (await graphql(DAYS, {"id": public_id, "first": number})).errors
        assert error["extensions"]["code"] == "INVALID_LIMIT"


async def test_session_has_its_values(database: Database, graphql: GraphQL) -> None:
    session = await make_session(database)
    await make_booking(database, session=session, seats=3)
    document = "query ($id: ID!) { session(id: $id) { id startsAt capacity seatsAvailable movie { id } place { id } } }"
    assert (await graphql(document, {"id": f"ses_{session.id}"})).data["session"] == {
        "id": f"ses_{session.id}",
        "startsAt": instants.spell(session.starts_at),
        "capacity": 100,
        "seatsAvailable": 97,
        "movie": {"id": f"mov_{session.movie_id}"},
        "place": {"id": f"plc_{session.place_id}"},
    }
    assert (await graphql(document, {"id": "ses_1"})).data == {"session": None}


# Staff


async def asked(database: Database, **given: Any) -> dict[str, Any]:
    """Return the input of a new session, of a new movie in a new place tomorrow."""
    movie, place = await make_movie(database), await make_place(database, capacity=40)
    facts = {"movieId": f"mov_{movie.id}", "placeId": f"plc_{place.id}", "startsAt": instants.spell(soon(24))}
    return facts | given


async def test_schedules_session(database: Database, graphql: GraphQL, staff: User) -> None:
    given = await asked(database)
    session = (await done(graphql, "scheduleSession", by=staff, **given))["session"]
    assert session["id"].startswith("ses_")
    assert (session["startsAt"], session["capacity"], session["seatsAvailable"]) == (given["startsAt"], 40, 40)
    # What follows from it for the movie is read after it.
    assert session["movie"] == {"id": given["movieId"], "airingDates": {"from": given["startsAt"]}}
    assert session["place"] == {"id": given["placeId"]}


async def test_rescheduled_session_keeps_its_bookings(database: Database, graphql: GraphQL, staff: User) -> None:
    session = await make_session(database)
    await make_booking(database, session=session, seats=2, status="confirmed")
    start = instants.spell(soon(72))
    moved = (await done(graphql, "rescheduleSession", by=staff, id=f"ses_{session.id}", startsAt=start))["session"]
    assert (moved["startsAt"], moved["seatsAvailable"]) == (start, 98)
    assert moved["movie"]["airingDates"] == {"from": start}


async def test_deletes_session_with_its_closed_bookings(database: Database, graphql: GraphQL, staff: User) -> None:
    session = await make_session(database)
    await make_booking(database, session=session, status="cancelled")
    await make_expired_booking(database, session=session, seats=2)
    session_id = f"ses_{session.id}"
    assert await done(graphql, "deleteSession", by=staff, id=session_id) == {"deletedId": session_id}
    assert await refused(graphql, "deleteSession", by=staff, id=session_id) == [
        ("NotFound", "SESSION_NOT_FOUND", ["input", "id"])
    ]


@pytest.mark.parametrize("status", ["open", "confirmed"])
async def test_refuses_delete_of_booked_session(database: Database, graphql: GraphQL, staff: User, status: str) -> None:
    booking = await make_booking(database, status=status)
    refusal = await refused(graphql, "deleteSession", by=staff, id=f"ses_{booking.session_id}")
    assert refusal == [("Conflict", "STILL_IN_USE", [])]


async def test_refuses_start_in_the_past(database: Database, graphql: GraphQL, staff: User) -> None:
    fault = [("InvalidInput", "INVALID_DATE", ["input", "startsAt"])]
    session = await make_session(database)
    for start in (instants.spell(soon(-1)), "9999-12-31T23:00:00Z"):
        assert await refused(graphql, "scheduleSession", by=staff, **await asked(database, startsAt=start)) == fault
        refusal = await refused(graphql, "rescheduleSession", by=staff, id=f"ses_{session.id}", startsAt=start)
        assert refusal == fault


async def test_refuses_overlapping_session(database: Database, graphql: GraphQL, staff: User) -> None:
    fault = [("Conflict", "SESSION_OVERLAPS", ["input", "startsAt"])]
    place = await make_place(database)
    await make_session(database, place=place, starts_at=soon(24))
    other = await make_session(database, place=place, starts_at=soon(48))
    given = await asked(database, placeId=f"plc_{place.id}", startsAt=instants.spell(soon(25)))
    assert await refused(graphql, "scheduleSession", by=staff, **given) == fault
    refusal = await refused(
        graphql, "rescheduleSession", by=staff, id=f"ses_{other.id}", startsAt=instants.spell(soon(25))
    )
    assert refusal == fault


async def test_refuses_missing_movie_place_or_session(database: Database, graphql: GraphQL, staff: User) -> None:
    for field, code in (("movieId", "MOVIE_NOT_FOUND"), ("placeId", "PLACE_NOT_FOUND")):
        given = await asked(database, **{field: "mov_1" if field == "movieId" else "plc_1"})
        assert await refused(graphql, "scheduleSession", by=staff, **given) == [("NotFound", code, ["input", field])]
    start = instants.spell(soon(24))
    refusal = await refused(graphql, "rescheduleSession", by=staff, id="ses_1", startsAt=start)
    assert refusal == [("NotFound", "SESSION_NOT_FOUND", ["input", "id"])]


async def test_refuses_all_faults_of_session_at_once(graphql: GraphQL, staff: User) -> None:
    start = "9999-12-31T23:00:00Z"
    refusal = await refused(graphql, "scheduleSession", by=staff, movieId="plc_1", placeId="", startsAt=start)
    assert [(code, path) for _, code, path in refusal] == [
        ("INVALID_ID", ["input", "movieId"]),
        ("INVALID_ID", ["input", "placeId"]),
        ("INVALID_DATE", ["input", "startsAt"]),
    ]
    refusal = await refused(graphql, "rescheduleSession", by=staff, id="plc_1", startsAt=start)
    assert [(code, path) for _, code, path in refusal] == [
        ("INVALID_ID", ["input", "id"]),
        ("INVALID_DATE", ["input", "startsAt"]),
    ]


async def test_start_without_offset_makes_document_invalid(database: Database, graphql: GraphQL, staff: User) -> None:
    answer = await send(graphql, "scheduleSession", by=staff, **await asked(database, startsAt="2030-01-01T20:00:00"))
    assert answer.codes == ["INVALID_DATE"]
    assert "data" not in answer.response.json()


@pytest.mark.parametrize("mutation", CHANGES)
async def test_only_staff_may_change_sessions(database: Database, graphql: GraphQL, mutation: str) -> None:
    user, session = await make_user(database), await make_session(database)
    given = {
        "scheduleSession": await asked(database),
        "rescheduleSession": {"id": f"ses_{session.id}", "startsAt": instants.spell(soon(48))},
        "deleteSession": {"id": f"ses_{session.id}"},
    }[mutation]
    assert await barred(graphql, mutation, **given) == "UNAUTHENTICATED"
    assert await barred(graphql, mutation, by=user, **given) == "FORBIDDEN"
