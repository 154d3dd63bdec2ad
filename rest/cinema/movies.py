"""Movies, where and when they are shown, and what users give them."""

from functools import partial
from typing import Final

from sqlalchemy import BigInteger, bindparam
from starlette.responses import Response

import errors
from db import ids, lists, selects
from db.models import Movie, Session
from db.paging import LIMITS
from domain import existence, rating
from edge import own_writes
from rest.cinema import answers, days, shapes
from rest.cinema.payloads import A_DATE, MoviesQuery, RateMovie, SessionsQuery
from rest.endpoint import JSON, Call, Caller, Endpoint, render_json
from rest.payloads import PageQuery, Query
from rest.planned_reads import bind, render_one, write_one
from rest.programme_answers import PROGRAMME_HEADERS, ProgrammeRead, answer_programme, plan_list

TAG: Final = "Movies"
MOVIE_BY_ID: Final = write_one(shapes.MOVIE, selects.select_row(Movie, bindparam("id", type_=BigInteger)))
SESSION_BY_ID: Final = write_one(shapes.SESSION, selects.select_row(Session, bindparam("id", type_=BigInteger)))
PAGE_FAULTS: Final = (errors.InvalidLimit(field="limit", problem=LIMITS), errors.InvalidCursor(field="cursor"))


async def list_movies(call: Call[MoviesQuery]) -> Response:
    """Answer a page of all movies."""
    return await answer_programme(call, lambda: plan_list(call, shapes.MOVIES, lists.list_movies(call.asked.sort)))


async def get_movie(call: Call[Query]) -> Response:
    """Answer one movie."""
    values = {"id": call.read_path_id("movie_id"), "base": call.base_url}
    render = partial(render_one, shapes.MOVIE, missing=errors.MovieNotFound)
    return await answer_programme(call, lambda: ProgrammeRead(bind(MOVIE_BY_ID, values), render))


async def list_places(call: Call[PageQuery]) -> Response:
    """Answer a page of the places that show a movie."""
    movie_id = call.read_path_id("movie_id")
    listing, require = lists.list_places_of_movie(movie_id), partial(existence.require_movie, movie_id=movie_id)
    return await answer_programme(call, lambda: plan_list(call, shapes.PLACES, listing, require_parents=require))


async def list_sessions(call: Call[SessionsQuery]) -> Response:
    """Answer a page of the sessions of a movie in a place."""
    asked, zone = call.asked, call.services.settings.timezone
    first, last = days.resolve_bounds(asked.starts_from, asked.starts_to, zone=zone)
    movie_id, place_id = call.read_path_id("movie_id"), call.read_path_id("place_id")
    listing = lists.list_sessions(movie_id=movie_id, place_id=place_id, starts_from=first, starts_to=last)
    require = partial(existence.require_movie, movie_id=movie_id, place_id=place_id)
    return await answer_programme(call, lambda: plan_list(call, shapes.SESSIONS, listing, require_parents=require))


async def get_session(call: Call[Query]) -> Response:
    """Answer one session with its free seats; from the primary, and never for caches to keep."""
    rows = await bind(SESSION_BY_ID, {"id": call.read_path_id("session_id")}).fetch(call.services.database.primary)
    body = render_one(shapes.SESSION, rows, missing=errors.SessionNotFound)
    return Response(body, media_type=JSON)


async def rate_movie(call: Call[RateMovie]) -> Response:
    """Answer the caller's rating, 201 where it is their first of this movie."""
    movie_id = call.read_path_id("movie_id")
    given, is_first = await rating.rate(
        call.services.rating_commits, user_id=call.user_id, movie_id=movie_id, value=call.asked.value
    )
    body: answers.RatedMovie = {"rating": {"id": ids.encode("rat", given.id), "value": given.value}}
    return render_json(body, status=201 if is_first else 200)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/v1/movies",
        answer=list_movies,
        takes=MoviesQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.MoviePage},
        refusals=(*PAGE_FAULTS, errors.InvalidSort(accepted="rating, new, leaving_soon")),
        parts=frozenset({"movies", "ratings"}),
        headers=PROGRAMME_HEADERS,
        tag=TAG,
        summary="List of movies",
        description="All movies, a page at a time, in one of three orders.",
    ),
    Endpoint(
        method="GET",
        path="/v1/movies/{movie_id}",
        answer=get_movie,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.MovieAnswer},
        parts=frozenset({"movies", "ratings"}),
        headers=PROGRAMME_HEADERS,
        tag=TAG,
        summary="Get a movie",
        description="One movie, with its airing dates and its rating.",
    ),
    Endpoint(
        method="GET",
        path="/v1/movies/{movie_id}/places",
        answer=list_places,
        takes=PageQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.PlacePage},
        refusals=PAGE_FAULTS,
        parts=frozenset({"movies", "places", "airings", "clock"}),
        headers=PROGRAMME_HEADERS,
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
        answers={200: answers.SessionPage},
        refusals=(*PAGE_FAULTS, errors.InvalidDate(field="from", problem=A_DATE)),
        parts=frozenset({"movies", "places", "sessions"}),
        headers=PROGRAMME_HEADERS,
        tag=TAG,
        summary="See the sessions of a movie in a place",
        description="The latest start first. Both bounds are included; days are those of the cinemas' time zone.",
    ),
    Endpoint(
        method="GET",
        path="/v1/sessions/{session_id}",
        answer=get_session,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.SessionAnswer},
        tag=TAG,
        summary="Get a session and its free seats",
        description="`seats_available` is the number at this moment. No cache keeps it.",
    ),
    Endpoint(
        method="POST",
        path="/v1/movies/{movie_id}/rate",
        answer=rate_movie,
        takes=RateMovie,
        caller=Caller.SIGNED_IN,
        answers={201: answers.RatedMovie, 200: answers.RatedMovie},
        refusals=(errors.InvalidRating(field="value"),),
        headers=(own_writes.HEADER,),
        tag=TAG,
        shares="rating_commits",
        summary="Rate a movie",
        description="201 the first time; rating it again replaces what was given before, and answers 200.",
    ),
)
