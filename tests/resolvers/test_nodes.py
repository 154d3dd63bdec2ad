"""Any object by its id, for those who may see it."""

from dataclasses import dataclass

import pytest

from db.engine import Database
from db.models import User
from tests.support.factories import make_booking, make_page_view, make_rating, make_seat_reservation, make_user
from tests.support.graphql_client import GraphQL
from tests.support.ticketing import make_event_reservation, make_ticket

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
KINDS = [
    *("Movie", "Place", "Session", "User", "Booking", "SeatReservation", "Rating", "PageView"),
    *("Event", "EventReservation", "Show", "Ticket"),
]
PUBLIC = {"Movie", "Place", "Session", "Event", "Show"}


@dataclass(frozen=True, slots=True)
class Objects:
    """One object of each kind, those that can be somebody's all of one user."""

    owner: User
    ids: dict[str, str]


@pytest.fixture
async def objects(database: Database) -> Objects:
    """See Objects."""
    owner = await make_user(database)
    booking = await make_booking(database, user=owner)
    reservation = await make_seat_reservation(database, booking=booking)
    rating = await make_rating(database, user=owner)
    view = await make_page_view(database, user_id=owner.id)
    held, ticket = await make_event_reservation(database, user=owner), await make_ticket(database)
    session_id, place_id = (
        await database.primary.tuples("SELECT id, place_id FROM sessions WHERE id = %(id)s", id=booking.session_id)
    )[0]
    return Objects(
        owner,
        {
            "Movie": f"mov_{rating.movie_id}",
            "Place": f"plc_{place_id}",
            "Session": f"ses_{session_id}",
            "User": f"usr_{owner.id}",
            "Booking": f"bok_{booking.id}",
            "SeatReservation": f"rsv_{reservation.id}",
            "Rating": f"rat_{rating.id}",
            "PageView": f"trk_{view.id}",
            "Event": f"evt_{held.event_id}",
            "EventReservation": f"evr_{held.id}",
            "Show": f"shw_{ticket.show_id}",
            "Ticket": f"tkt_{ticket.id}",
        },
    )


async def seen(graphql: GraphQL, objects: Objects, by: User | None) -> set[str]:
    """Return the kinds of those objects that somebody sees, one by one and all at once alike."""
    answers = [(await graphql(NODE, {"id": objects.ids[kind]}, by=by)).data["node"] for kind in KINDS]
    together = await graphql(NODES, {"ids": [objects.ids[kind] for kind in KINDS]}, by=by)
    assert together.data["nodes"] == answers
    for kind, answer in zip(KINDS, answers, strict=True):
        assert answer in (None, {"__typename": kind, "id": objects.ids[kind]})
    return {answer["__typename"] for answer in answers if answer}


async def test_anonymous_viewer_sees_public_nodes_only(graphql: GraphQL, objects: Objects) -> None:
    assert await seen(graphql, objects, None) == PUBLIC


async def test_user_sees_own_nodes(graphql: GraphQL, objects: Objects) -> None:
    assert await seen(graphql, objects, objects.owner) == {*KINDS} - {"PageView", "Ticket"}


async def test_user_does_not_see_nodes_of_other_users(graphql: GraphQL, database: Database, objects: Objects) -> None:
    assert await seen(graphql, objects, await make_user(database)) == PUBLIC


async def test_staff_see_users_page_views_reservations_and_tickets_too(
    graphql: GraphQL, database: Database, objects: Objects
) -> None:
    staff = await make_user(database, is_staff=True)
    assert await seen(graphql, objects, staff) == PUBLIC | {"User", "PageView", "EventReservation", "Ticket"}


@pytest.mark.parametrize("prefix", ["usr", "mov", "plc", "ses", "bok", "rsv", "rat", "trk", "evt", "evr", "shw", "tkt"])
async def test_missing_node_is_null(graphql: GraphQL, database: Database, prefix: str) -> None:
    staff = await make_user(database, is_staff=True)
    assert (await graphql(NODE, {"id": f"{prefix}_1"}, by=staff)).data == {"node": None}


async def test_nodes_keep_order_of_ids_with_null_for_missing_ones(graphql: GraphQL, objects: Objects) -> None:
    ids = [objects.ids["Place"], "mov_1", objects.ids["Movie"], objects.ids["Place"], objects.ids["Booking"]]
    nodes = (await graphql(NODES, {"ids": ids})).data["nodes"]
    assert [node and node["id"] for node in nodes] == [ids[0], None, ids[2], ids[3], None]


async def test_nodes_of_no_ids_are_empty(graphql: GraphQL) -> None:
    assert (await graphql(NODES, {"ids": []})).data == {"nodes": []}


@pytest.mark.parametrize("public_id", ["", "mov", "mov_", "xyz_1", "mov_01", "_1", "7262193846145024"])
async def test_refuses_malformed_id_of_node(graphql: GraphQL, public_id: str) -> None:
    assert (await graphql(NODE, {"id": public_id})).codes == ["INVALID_ID"]
    assert (await graphql(NODES, {"ids": ["mov_1", public_id]})).codes == ["INVALID_ID"]


async def test_refuses_each_malformed_id_of_nodes(graphql: GraphQL) -> None:
    assert (await graphql(NODES, {"ids": ["x", "mov_1", "y"]})).codes == ["INVALID_ID", "INVALID_ID"]


async def test_refuses_more_than_100_ids(graphql: GraphQL) -> None:
    assert (await graphql(NODES, {"ids": ["mov_1"] * 100})).data == {"nodes": [None] * 100}
    assert (await graphql(NODES, {"ids": ["mov_1"] * 101})).codes == ["INVALID_INPUT"]


async def test_id_of_other_kind_is_malformed(graphql: GraphQL, objects: Objects) -> None:
    for field, kind in (("movie", "Place"), ("place", "Movie"), ("session", "Booking"), ("booking", "Session")):
        document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        answer = await graphql(document, {"id": objects.ids[kind]})
        assert answer.codes == ["INVALID_ID"]
        assert answer.response.json()["data"] == {field: None}
