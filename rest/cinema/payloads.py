"""What /v1 takes: bodies and parameters, each with the refusal that stands for it."""

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from db.lists import MovieSort
from db.models import PageEventType
from domain import page_view, rating, stock, user
from errors import InvalidDate, InvalidEmail, InvalidInput, InvalidRating, InvalidSeats, InvalidSort
from rest.cinema.days import read_bound
from rest.cinema.page_query import QueryValue, check_query
from rest.payloads import NO_NUL, WHOLE, EmptyBody, PageQuery, Payload, optional_field, refuse_as

A_DATE: Final = "must be a date such as 2026-11-20, or an instant with its offset such as 2026-11-20T18:30:00+01:00"
A_VALUE: Final = "must be a string, a number, a boolean, null, or a list of those"


class SignUp(Payload):
    """An account to be."""

    email: Annotated[
        str,
        Field(json_schema_extra={"format": "email"}, examples=["ada@example.org"]),
        AfterValidator(user.check_email),
        refuse_as(InvalidEmail),
    ]
    password: Annotated[
        str,
        Field(
            json_schema_extra={"minLength": user.SHORTEST_PASSWORD, "maxLength": user.LONGEST_PASSWORD},
            examples=["correct horse battery"],
        ),
        AfterValidator(user.check_password),
    ]


class SignIn(Payload):
    """An account and its password."""

    email: Annotated[str, Field(examples=["ada@example.org"]), NO_NUL]
    password: Annotated[str, Field(examples=["correct horse battery"]), NO_NUL]


class VisitedPage(Payload):
    """The address of a page, taken apart."""

    scheme: Annotated[str, Field(min_length=1, max_length=page_view.LONGEST_SCHEME, examples=["https"]), NO_NUL]
    path: Annotated[str, Field(max_length=page_view.LONGEST_PATH, examples=["/movies"]), NO_NUL]
    query: Annotated[
        dict[str, Annotated[QueryValue, refuse_as(InvalidInput, problem=A_VALUE)]],
        Field(
            max_length=page_view.MOST_QUERY_PARAMETERS,
            description="Names of query parameters and their values, each of at most "
            f"{page_view.LONGEST_PATH} characters.",
            examples=[{"sort": "new", "genre": ["drama", "comedy"], "page": 2}],
            default_factory=dict,
        ),
        AfterValidator(check_query),
    ]


class Track(Payload):
    """A page that somebody entered or left."""

    tracking_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=page_view.LONGEST_TRACKING_ID,
            description="The visitor, under a name that the client makes up.",
            examples=["8d3f1c52"],
        ),
        NO_NUL,
    ]
    type: Annotated[PageEventType, Field(strict=False, examples=["page_enter"])]
    page: VisitedPage


class RateMovie(Payload):
    """What a movie is given."""

    value: Annotated[
        float,
        Field(ge=rating.WORST, le=rating.BEST, description="Halves and the like are fine.", examples=[4.5]),
        refuse_as(InvalidRating),
    ]


class ConfirmBooking(EmptyBody):
    """How many seats the booking is to hold when it is confirmed; the body may be empty."""

    seats: Annotated[
        int,
        Field(
            ge=0,
            le=stock.MOST_SEATS,
            description="409 `seats_changed` where the booking holds another number of seats.",
            examples=[2],
        ),
        WHOLE,
        refuse_as(InvalidSeats, limit=stock.MOST_SEATS),
    ] = optional_field()


class ReserveSeats(Payload):
    """How many seats the booking is to hold."""

    seats: Annotated[
        int,
        Field(
            ge=0,
            le=stock.MOST_SEATS,
            description="The booking's new total, not an addition; 0 frees them all.",
            examples=[2],
        ),
        WHOLE,
        refuse_as(InvalidSeats, limit=stock.MOST_SEATS),
    ]


class MoviesQuery(PageQuery):
    """Which page of the movies, in which order."""

    sort: Annotated[
        MovieSort,
        Field(
            description="`rating`: best first, unrated last. `new`: latest `airing_dates.from` first. "
            "`leaving_soon`: earliest `airing_dates.to` first.",
            examples=["new"],
        ),
        refuse_as(InvalidSort, accepted="rating, new, leaving_soon"),
    ] = "rating"


Bound = Annotated[
    date | datetime | SkipJsonSchema[None],
    Field(examples=["2026-11-20", "2026-11-20T18:30:00+01:00"]),
    BeforeValidator(read_bound),
    refuse_as(InvalidDate, problem=A_DATE),
    # One type for both, so that generators of clients make no union.
    WithJsonSchema({"type": "string", "examples": ["2026-11-20", "2026-11-20T18:30:00+01:00"]}),
]


class SessionsQuery(PageQuery):
    """Which page of the sessions, between which bounds."""

    starts_from: Annotated[
        Bound, Field(alias="from", description="The earliest start; a date means from its beginning on.")
    ] = None
    starts_to: Annotated[
        Bound, Field(alias="to", description="The latest start, included; a date means to its end.")
    ] = None
