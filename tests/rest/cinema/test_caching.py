"""What caches may keep: the programme by its entity tag, and nothing of a viewer, of free seats or of a refusal."""

import pytest
from httpx import AsyncClient

from db.engine import Database
from db.models import Session
from tests.support.factories import bearer, make_booking, make_session, make_user
from tests.support.ticketing import make_event


@pytest.fixture
async def session(database: Database) -> Session:
    """A session of a movie in a place."""
    return await make_session(database)


def list_programme(session: Session) -> list[str]:
    """Return the addresses of the programme."""
    movie = f"/v1/movies/mov_{session.movie_id}"
    return ["/v1/movies?limit=1", movie, f"{movie}/places", f"{movie}/places/plc_{session.place_id}/sessions"]


async def test_programme_has_tag_and_answers_304_until_it_changes(
    client: AsyncClient, database: Database, session: Session
) -> None:
    for path in list_programme(session):
        first = await client.get(path)
        assert first.headers["cache-control"] == "public, max-age=60"
        assert first.headers["vary"] == "Authorization"
        tag = first.headers["etag"]
        head = await client.head(path)
        assert (head.status_code, head.headers["etag"], head.content) == (200, tag, b"")
        assert head.headers["content-length"] == str(len(first.content))
        for named in (tag, f"W/{tag}", "*", f'"other", {tag}'):
            for method in ("GET", "HEAD"):
                known = await client.request(method, path, headers={"If-None-Match": named})
                assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
                assert known.headers["cache-control"] == "public, max-age=60"
        for named in ('"other"', tag.strip('"'), f"{tag[:-1]}"):
            assert (await client.get(path, headers={"If-None-Match": named})).status_code == 200
        await database.primary.value("UPDATE movies SET title = title || '!' RETURNING 1")
        await database.primary.value("UPDATE places SET name = name || '!' RETURNING 1")
        await database.primary.value("UPDATE sessions SET starts_at = starts_at + interval '1 s' RETURNING 1")
        changed = await client.get(path, headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


async def test_programme_is_private_with_a_token(client: AsyncClient, database: Database, session: Session) -> None:
    user = bearer(await make_user(database))
    for path in list_programme(session):
        found = await client.get(path, headers=user)
        assert found.headers["cache-control"] == "private, no-cache"
        known = await client.get(path, headers={**user, "If-None-Match": found.headers["etag"]})
        assert known.status_code == 304


async def test_forbids_caching_of_everything_else(client: AsyncClient, database: Database, session: Session) -> None:
    user = await make_user(database)
    booking = await make_booking(database, user=user, session=session)
    await make_event(database)
    private = [f"/v1/bookings/bok_{booking.id}", "/v1/bookings", f"/v1/sessions/ses_{session.id}", "/request-count/"]
    others = ["/events/", "/collection/", "/v1/movies/mov_1", "/v1/movies?limit=0", "/v1/nothing", "/v1/offers"]
    for path in [*private, *others]:
        found = await client.get(path, headers={**bearer(user), "If-None-Match": "*"})
        assert found.status_code != 304
        assert "no-store" in found.headers["cache-control"], path
        assert "etag" not in found.headers


async def test_session_has_its_free_seats(client: AsyncClient, database: Database, session: Session) -> None:
    await make_booking(database, session=session, seats=3)
    await make_booking(database, session=session, seats=2, closes_at=session.starts_at.replace(year=2020))
    (movie,) = (await client.get(f"/v1/movies/mov_{session.movie_id}")).json().values()
    ((place,), _) = (await client.get(f"/v1/movies/mov_{session.movie_id}/places")).json().values()

    found = await client.get(f"/v1/sessions/ses_{session.id}")

    ((listed,), _) = (await client.get(f"/v1/movies/{movie['id']}/places/{place['id']}/sessions")).json().values()
    assert found.json() == {
        "session": {
            **listed,
            "capacity": 100,
            # The hold of two seats has expired.
            "seats_available": 97,
            "movie": {"id": movie["id"], "title": movie["title"]},
            "place": {"id": place["id"], "name": place["name"]},
        }
    }
    assert (await client.get("/v1/sessions/ses_1")).json()["errors"][0]["code"] == "session_not_found"


async def test_booking_is_for_its_user_alone(client: AsyncClient, database: Database, session: Session) -> None:
    user, other = await make_user(database), await make_user(database, is_staff=True)
    booking = await make_booking(database, user=user, session=session, seats=2)
    path = f"/v1/bookings/bok_{booking.id}"

    found = (await client.get(path, headers=bearer(user))).json()["booking"]
    ((listed,), _) = (await client.get("/v1/bookings", headers=bearer(user))).json().values()
    assert found == {**listed, "status": "open", "cancelled_at": None}
    cancelled = (await client.post(f"{path}/cancel", headers=bearer(user))).json()["booking"]
    found = (await client.get(path, headers=bearer(user))).json()["booking"]
    assert found["status"] == "cancelled"
    assert found == {**found, **cancelled}

    expired = await make_booking(database, user=user, session=session, closes_at=session.starts_at.replace(year=2020))
    found = (await client.get(f"/v1/bookings/bok_{expired.id}", headers=bearer(user))).json()["booking"]
    assert (found["status"], found["reserved_seats"]) == ("expired", 0)

    for headers, path_, status in ((bearer(other), path, 404), ({}, path, 401), (bearer(user), "/v1/bookings/x", 404)):
        refused = await client.get(path_, headers=headers)
        assert refused.status_code == status
