"""Movies, where and when they are shown, and what users give them."""

from typing import Final

from starlette.responses import Response

import errors
from db import ids, lists, models
from db.paging import LIMITS
from domain import existence, movie, rating
from edge import addresses
from rest.cinema import answers, days
from rest.cinema.payloads import A_DATE, MoviesQuery, RateMovie, SessionsQuery
from rest.endpoint import Call, Caller, Endpoint, render_json
from rest.pages import build_metadata, read_page
from rest.payloads import PageQuery, Query

TAG: Final = "Movies"
PAGE_FAULTS: Final = (errors.InvalidLimit(field="limit", problem=LIMITS), errors.InvalidCursor(field="cursor"))


async def list_movies(call: Call[MoviesQuery]) -> Response:
    """Answer a page of all movies."""
    database = call.services.database
    found = await read_page(database.standby, database.cursors, lists.list_movies(call.asked.sort), call.asked)
    base = addresses.base(call.request, call.services.settings.public_url)
    body: answers.Movies = {
        "movies": [render_movie(row, base=base) for row in found.rows],
        "metadata": build_metadata(found),
    }
    return render_json(body)


async def get_movie(call: Call[Query]) -> Response:
    """Answer one movie."""
    found = await call.services.database.standby.row(models.Movie, movie.BY_ID, ids=[call.path_id("movie_id")])
    if found is None:
        raise errors.MovieNotFound
    base = addresses.base(call.request, call.services.settings.public_url)
    body: answers.OneMovie = {"movie": render_movie(found, base=base)}
    return render_json(body)


async def list_places(call: Call[PageQuery]) -> Response:
    """Answer a page of the places that show a movie."""
    database, movie_id = call.services.database, call.path_id("movie_id")
    found = await read_page(database.standby, database.cursors, lists.list_places_of_movie(movie_id), call.asked)
    if not found.rows:
        await existence.require_movie(database.standby, movie_id=movie_id)
    body: answers.Places = {
        "places": [{"id": ids.encode("plc", row.id), "name": row.name, "address": row.address} for row in found.rows],
        "metadata": build_metadata(found),
    }
    return render_json(body)


async def list_sessions(call: Call[SessionsQuery]) -> Response:
    """Answer a page of the sessions of a movie in a place."""
    database, asked, zone = call.services.database, call.asked, call.services.settings.timezone
    first, last = days.resolve_bounds(asked.starts_from, asked.starts_to, zone=zone)
    movie_id, place_id = call.path_id("movie_id"), call.path_id("place_id")
    listing = lists.list_sessions(movie_id=movie_id, place_id=place_id, starts_from=first, starts_to=last)
    found = await read_page(database.standby, database.cursors, listing, asked)
    if not found.rows:
        await existence.require_movie(database.standby, movie_id=movie_id, place_id=place_id)
    body: answers.Sessions = {
        "sessions": [{"id": ids.encode("ses", row.id), "starts_at": row.starts_at} for row in found.rows],
        "metadata": build_metadata(found),
    }
    return render_json(body)


async def rate_movie(call: Call[RateMovie]) -> Response:
    """Answer the caller's rating, 201 where it is their first of this movie."""
    movie_id = call.path_id("movie_id")
    given, is_first = await rating.rate(
        call.services.rating_commits, user_id=call.user_id, movie_id=movie_id, value=call.asked.value
    )
    body: answers.Rated = {"rating": {"id": ids.encode("rat", given.id), "value": given.value}}
    return render_json(body, status=201 if is_first else 200)


def render_movie(row: models.Movie, *, base: str) -> answers.Movie:
    """Return a movie as it is answered."""
    first, last = row.airing_from, row.airing_to
    return {
        "id": ids.encode("mov", row.id),
        "title": row.title,
        "description": row.description,
        "poster": addresses.absolute(row.poster, base=base),
        "duration": row.duration,
        "airing_dates": {"from": first, "to": last} if first and last else None,
        "rating": row.rating,
    }


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/v1/movies",
        answer=list_movies,
        takes=MoviesQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.Movies},
        refusals=(*PAGE_FAULTS, errors.InvalidSort(accepted="rating, new, leaving_soon")),
        parts=frozenset({"movies", "ratings"}),
        tag=TAG,
        summary="List of movies",
    ),
    Endpoint(
        method="GET",
        path="/v1/movies/{movie_id}",
        answer=get_movie,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.OneMovie},
        parts=frozenset({"movies", "ratings"}),
        tag=TAG,
        summary="Get a movie",
    ),
    Endpoint(
        method="GET",
        path="/v1/movies/{movie_id}/places",
        answer=list_places,
        takes=PageQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.Places},
        refusals=PAGE_FAULTS,
        parts=frozenset({"movies", "places", "airings", "clock"}),
        tag=TAG,
        summary="See where a movie is aired",
        description="The places with a session of it that is still to come or running, by name.",
    ),
    Endpoint(
        method="GET",
        path="/v1/movies/{movie_id}/places/{place_id}/sessions",
        answer=list_sessions,
        takes=SessionsQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.Sessions},
        refusals=(*PAGE_FAULTS, errors.InvalidDate(field="from", problem=A_DATE)),
        parts=frozenset({"movies", "places", "sessions"}),
        tag=TAG,
        summary="See the sessions of a movie in a place",
        description="The latest start first. Both bounds are included; days are those of the cinemas' time zone.",
    ),
    Endpoint(
        method="POST",
        path="/v1/movies/{movie_id}/rate",
        answer=rate_movie,
        takes=RateMovie,
        caller=Caller.SIGNED_IN,
        answers={201: answers.Rated, 200: answers.Rated},
        refusals=(errors.InvalidRating(field="value"),),
        tag=TAG,
        summary="Rate a movie",
        description="201 the first time; rating it again replaces what was given before, and answers 200.",
    ),
)
