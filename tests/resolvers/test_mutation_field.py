"""What every mutation has in common: which argument a refusal names, and what null means in an update."""

from typing import Any

import pytest
from graphql import GraphQLNonNull, build_schema

from db.engine import Database
from db.models import User
from errors import list_leaves
from graphql_server.executable_schema import SCHEMA, format_sdl
from schema.user_error import find_error_type
from tests.support.documents import refused
from tests.support.factories import make_movie, make_place, make_user
from tests.support.graphql_client import GraphQL

INSTANT = "2099-01-01T18:00:00Z"
# Each id argument of a mutation: the mutation, its input, the field of the id, and the code where it leads nowhere.
ID_ARGUMENTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("rateMovie", {"movieId": "mov_1", "value": 1}, "movieId", "MOVIE_NOT_FOUND"),
    ("openBooking", {"sessionId": "ses_1"}, "sessionId", "SESSION_NOT_FOUND"),
    ("reserveSeats", {"bookingId": "bok_1", "seats": 1}, "bookingId", "BOOKING_NOT_FOUND"),
    ("confirmBooking", {"bookingId": "bok_1"}, "bookingId", "BOOKING_NOT_FOUND"),
    ("cancelBooking", {"bookingId": "bok_1"}, "bookingId", "BOOKING_NOT_FOUND"),
    ("updateMovie", {"id": "mov_1", "title": "t"}, "id", "MOVIE_NOT_FOUND"),
    ("deleteMovie", {"id": "mov_1"}, "id", "MOVIE_NOT_FOUND"),
    ("updatePlace", {"id": "plc_1", "name": "n"}, "id", "PLACE_NOT_FOUND"),
    ("deletePlace", {"id": "plc_1"}, "id", "PLACE_NOT_FOUND"),
    ("scheduleSession", {"movieId": "mov_1", "placeId": "PLACE", "startsAt": INSTANT}, "movieId", "MOVIE_NOT_FOUND"),
    ("scheduleSession", {"movieId": "MOVIE", "placeId": "plc_1", "startsAt": INSTANT}, "placeId", "PLACE_NOT_FOUND"),
    ("rescheduleSession", {"id": "ses_1", "startsAt": INSTANT}, "id", "SESSION_NOT_FOUND"),
    ("deleteSession", {"id": "ses_1"}, "id", "SESSION_NOT_FOUND"),
    ("updateEvent", {"id": "evt_1", "name": "n"}, "id", "EVENT_NOT_FOUND"),
    ("deleteEvent", {"id": "evt_1"}, "id", "EVENT_NOT_FOUND"),
    ("reserveTickets", {"eventId": "evt_1", "tickets": 1}, "eventId", "EVENT_NOT_FOUND"),
    ("updateEventReservation", {"id": "evr_1", "tickets": 1}, "id", "RESERVATION_NOT_FOUND"),
    ("cancelEventReservation", {"id": "evr_1"}, "id", "RESERVATION_NOT_FOUND"),
    ("updateTicketTiming", {"id": "tkt_1", "showTiming": INSTANT}, "id", "TICKET_NOT_FOUND"),
    ("deleteTicket", {"id": "tkt_1"}, "id", "TICKET_NOT_FOUND"),
    ("updateCollection", {"id": "col_1", "title": "t"}, "id", "COLLECTION_NOT_FOUND"),
    ("deleteCollection", {"id": "col_1"}, "id", "COLLECTION_NOT_FOUND"),
]


@pytest.fixture
async def staff(database: Database) -> User:
    return await make_user(database, is_staff=True)


async def test_not_found_names_argument_of_every_id(graphql: GraphQL, database: Database, staff: User) -> None:
    there = {"MOVIE": f"mov_{(await make_movie(database)).id}", "PLACE": f"plc_{(await make_place(database)).id}"}
    for mutation, values, field, code in ID_ARGUMENTS:
        input_ = {name: there.get(value, value) for name, value in values.items()}
        assert await refused(graphql, mutation, by=staff, **input_) == [("NotFound", code, ["input", field])], mutation


def test_every_id_argument_of_mutations_is_tested() -> None:
    schema = build_schema(format_sdl())
    assert schema.mutation_type is not None
    ids = {
        (name, field)
        for name, declared in schema.mutation_type.fields.items()
        for argument in declared.args.values()
        if isinstance(argument.type, GraphQLNonNull)
        for field, input_field in argument.type.of_type.fields.items()
        if str(input_field.type) == "ID!"
    }
    assert {(mutation, field) for mutation, _, field, _ in ID_ARGUMENTS} == ids
    assert len(ids) == 22


@pytest.mark.parametrize(
    ("mutation", "public_id", "field"),
    [
        ("updateMovie", "mov_1", "title"),
        ("updateMovie", "mov_1", "duration"),
        ("updatePlace", "plc_1", "capacity"),
        ("updateEvent", "evt_1", "date"),
        ("updateCollection", "col_1", "title"),
    ],
)
async def test_refuses_null_for_field_that_cannot_be_empty(
    graphql: GraphQL, staff: User, mutation: str, public_id: str, field: str
) -> None:
    found = await refused(graphql, mutation, by=staff, id=public_id, **{field: None})
    assert found == [("InvalidInput", "INVALID_INPUT", ["input", field])]


async def test_null_clears_genres_and_omission_keeps_them(graphql: GraphQL, database: Database, staff: User) -> None:
    movie = await make_movie(database, genres=["Drama"])
    document = (
        "mutation ($input: UpdateMovieInput!) { updateMovie(input: $input) { movie { genres } errors { code } } }"
    )
    for more, genres in (({}, ["Drama"]), ({"genres": None}, [])):
        answer = await graphql(document, {"input": {"id": f"mov_{movie.id}", **more}}, by=staff)
        assert answer.data["updateMovie"] == {"movie": {"genres": genres}, "errors": []}


async def test_null_clears_description_and_movies_of_collection(graphql: GraphQL, staff: User) -> None:
    movie = {"uuid": "57baf4f4-c9ef-4197-9e4f-acf04eae5b4d", "title": "t"}
    made = await graphql(
        """mutation ($input: CreateCollectionInput!) {
            createCollection(input: $input) { collection { id } errors { code } }
        }""",
        {"input": {"title": "t", "description": "d", "movies": [movie]}},
        by=staff,
    )
    public_id = made.data["createCollection"]["collection"]["id"]
    document = """mutation ($input: UpdateCollectionInput!) {
        updateCollection(input: $input) { collection { description movies { title } } errors { code } }
    }"""
    for more, left in (
        ({}, {"description": "d", "movies": [{"title": "t"}]}),
        ({"description": None, "movies": None}, {"description": "", "movies": []}),
    ):
        answer = await graphql(document, {"input": {"id": public_id, **more}}, by=staff)
        assert answer.data["updateCollection"] == {"collection": left, "errors": []}


def test_descriptions_list_codes_that_payload_can_have() -> None:
    carried = {leaf.code for leaf in list_leaves() if find_error_type(leaf) is not None}
    mutation_type = SCHEMA.graphql.mutation_type
    assert mutation_type is not None
    for name, declared in mutation_type.fields.items():
        listed = (declared.description or "").partition("Refused with: ")[2].rstrip(".")
        codes = set(listed.split(", ")) - {""}
        assert codes <= carried, name
        assert bool(codes) == bool(declared.args), name
