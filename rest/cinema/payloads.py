"""Bodies and parameters of the cinema surface, each with the refusal of a wrong value."""

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
from rest.credentials import NewPassword, Password
from rest.payloads import NO_NUL, WHOLE, EmptyBody, PageQuery, Payload, optional_field, refuse_as

A_DATE: Final = "must be a date such as 2026-11-20, or an instant with its offset such as 2026-11-20T18:30:00+01:00"
A_VALUE: Final = "must be a string, a number, a boolean, null, or a list of those"


class SignUp(Payload):
    """The account to create."""

    email: Annotated[
        str,
        Field(json_schema_extra={"format": "email"}, examples=["ada@example.org"]),
        AfterValidator(user.check_email),
        refuse_as(InvalidEmail),
    ]
    password: NewPassword


class SignIn(Payload):
    """The e-mail address and the password of an account."""

    email: Annotated[str, Field(examples=["ada@example.org"]), NO_NUL]
    password: Password


class VisitedPage(Payload):
    """The parts of a page's address."""

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
    """A page view: a visitor entered or left a page."""

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
    """The rating to give."""

    value: Annotated[
        float,
        Field(ge=rating.WORST, le=rating.BEST, description="Halves and the like are fine.", examples=[4.5]),
        refuse_as(InvalidRating),
    ]


class ConfirmBooking(EmptyBody):
    """The number of seats that the caller expects the booking to hold; the body may be empty."""

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
    """The new total of the booking's seats."""

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
    """The page of movies to return, and their order."""

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
    """The page of sessions to return, and the bounds of their starts."""

    starts_from: Annotated[
        Bound, Field(alias="from", description="The earliest start; a date means from its beginning on.")
    ] = None
    starts_to: Annotated[
        Bound, Field(alias="to", description="The latest start, included; a date means to its end.")
    ] = None
