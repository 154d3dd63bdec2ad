"""Relay's two specifications, on every type with a global id and on every connection that the schema has.

Global Object Identification, and Cursor Connections in both directions: what is there is found in the schema itself, so a new
connection is held to all of it without being named here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, is_required_argument

from config.settings import Settings
from db.engine import Database
from db.models import User
from graphql_server.executable_schema import SCHEMA
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.factories import (
    make_booking,
    make_collection,
    make_movie,
    make_page_view,
    make_place,
    make_rating,
    make_seat_reservation,
    make_session,
    make_user,
    soon,
)
from tests.support.graphql_client import GraphQL
from tests.support.price_party import TOKEN, PriceParty, price_party
from tests.support.prices import entry, make_export, offers_of, tell
from tests.support.ticketing import make_event, make_event_reservation, make_show, make_ticket

TYPES: Final = SCHEMA.graphql.type_map
ROWS: Final = 5
PAGE_INFO: Final = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def fields_of(name: str) -> dict[str, str]:
    """Return the fields of a type, with their own types as the SDL writes them."""
    kind = TYPES[name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return {each: str(facts.type) for each, facts in kind.fields.items()}


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection: the field `name` of the type `parent`, and what its arguments are."""

    parent: str
    name: str
    item: str
    arguments: dict[str, str] = field(hash=False)

    def __str__(self) -> str:
        """Be named by it in pytest's own output."""
        return f"{self.parent}.{self.name}"

    @property
    def key(self) -> str:
        """What tells one item from another."""
        return "id" if "id" in fields_of(self.item) else "uuid"

    @property
    def goes_back(self) -> bool:
        """Whether it has pages from its end too."""
        return {"last", "before"} <= self.arguments.keys()


def connections() -> list[Listed]:
    """Return every field whose type is called a connection."""
    return [
        Listed(
            kind.name,
            name,
            str(facts.type).removesuffix("!").removesuffix("Connection"),
            {each: str(given.type) for each, given in facts.args.items()},
        )
        for kind in TYPES.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        for name, facts in kind.fields.items()
        if str(facts.type).removesuffix("!").endswith("Connection")
    ]


CONNECTIONS: Final = connections()
NODES: Final = sorted(each.name for each in SCHEMA.graphql.get_possible_types(TYPES["Node"]))  # type: ignore[arg-type]  # it is an interface
EACH: Final = pytest.mark.parametrize("listed", CONNECTIONS, ids=str)


# The shapes that the specifications ask for


def test_schema_has_connections_and_nodes() -> None:
    assert {str(each) for each in CONNECTIONS} >= {"Query.movies", "User.bookings", "Show.tickets", "Query.catalogue"}
    assert len(NODES) >= 15


def test_query_has_node_by_id() -> None:
    assert fields_of("Node") == {"id": "ID!"}
    query = TYPES["Query"]
    assert isinstance(query, GraphQLObjectType)
    node, nodes = query.fields["node"], query.fields["nodes"]
    assert (str(node.type), {name: str(each.type) for name, each in node.args.items()}) == ("Node", {"id": "ID!"})
    assert (str(nodes.type), {name: str(each.type) for name, each in nodes.args.items()}) == (
        "[Node]!",
        {"ids": "[ID!]!"},
    )


@pytest.mark.parametrize("name", NODES)
def test_every_type_with_id_implements_node(name: str) -> None:
    kind = TYPES[name]
    assert isinstance(kind, GraphQLObjectType)
    assert "Node" in {each.name for each in kind.interfaces}
    assert fields_of(name)["id"] == "ID!"


def test_page_info_matches_specification() -> None:
    assert fields_of("PageInfo") == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


@EACH
def test_connection_has_edges_and_page_info(listed: Listed) -> None:
    connection = fields_of(f"{listed.item}Connection")
    assert connection["edges"] == f"[{listed.item}Edge!]!"
    assert connection["pageInfo"] == "PageInfo!"
    assert fields_of(f"{listed.item}Edge") == {"node": f"{listed.item}!", "cursor": "String!"}


@EACH
def test_connection_accepts_page_arguments_and_requires_none(listed: Listed) -> None:
    forwards, backwards = {"first": "Int", "after": "String"}, {"last": "Int", "before": "String"}
    assert forwards.items() <= listed.arguments.items()
    # A third party's list, which knows no way back.
    assert backwards.items() <= listed.arguments.items() or str(listed) == "Query.catalogue"
    kind = TYPES[listed.parent]
    assert isinstance(kind, GraphQLObjectType)
    assert [name for name, given in kind.fields[listed.name].args.items() if is_required_argument(given)] == []


# Over real data


@dataclass(frozen=True, slots=True)
class House:
    """Five of everything that lists can show, and an object of each kind."""

    viewer: User
    ids: dict[str, str]


@pytest.fixture
def seller() -> Iterator[PriceParty]:
    """A provider of prices."""
    entries = [{"id": f"cw{number}", "title": f"Film {number}", "price": "10"} for number in range(ROWS)]
    with price_party(entries) as party:
        yield party


@pytest.fixture
def settings(settings: Settings, catalogue: CatalogueStandIn, seller: PriceParty) -> Settings:
    """A server that has third parties to ask."""
    return replace(catalogue.told(settings), cinemaworld_url=seller.url, cinemaworld_token=TOKEN)


@pytest.fixture
async def house(database: Database) -> House:
    """See House: movie, place, viewer and show 0 are the parents with five of each below them."""
    viewer = await make_user(database, is_staff=True)
    movies = [await make_movie(database) for _ in range(ROWS)]
    places = [await make_place(database, name="Same" if number % 2 else "Other") for number in range(ROWS)]
    pairs = [(movies[0], place) for place in places] + [(movie, places[0]) for movie in movies[1:]]
    sessions = [
        await make_session(database, movie=movie, place=place, starts_at=soon(24 + 3 * number))
        for number, (movie, place) in enumerate(pairs)
    ]
    bookings = [await make_booking(database, user=viewer, session=session) for session in sessions[:ROWS]]
    collections = [await make_collection(database, user=viewer) for _ in range(ROWS)]
    # Two at one instant: what tells them apart is in the cursor too.
    events = [await make_event(database, date=soon(24 + number // 2)) for number in range(ROWS)]
    held = [await make_event_reservation(database, event=event, user=viewer) for event in events]
    show = await make_show(database)
    tickets = [await make_ticket(database, show=show) for _ in range(ROWS)]
    await tell(database, "cinemaworld", *(entry(f"cw{number}", f"Film {number}", None) for number in range(ROWS)))
    views = [await make_page_view(database) for _ in range(ROWS)]
    return House(
        viewer,
        {
            "User": f"usr_{viewer.id}",
            "Movie": f"mov_{movies[0].id}",
            "Place": f"plc_{places[0].id}",
            "Session": f"ses_{sessions[0].id}",
            "Booking": f"bok_{bookings[0].id}",
            "SeatReservation": f"rsv_{(await make_seat_reservation(database, booking=bookings[0])).id}",
            "Rating": f"rat_{(await make_rating(database, user=viewer, movie=movies[0])).id}",
            "Collection": f"col_{collections[0].id}",
            "Event": f"evt_{events[0].id}",
            "EventReservation": f"evr_{held[0].id}",
            "Show": f"shw_{show.id}",
            "Ticket": f"tkt_{tickets[0].id}",
            "MovieOffer": f"mof_{next(iter((await offers_of(database, 'cinemaworld')).values()))}",
            "MovieExport": f"exp_{(await make_export(database, user_id=viewer.id)).id}",
            "PageView": f"trk_{views[0].id}",
        },
    )


async def test_every_node_is_refetched_by_id(graphql: GraphQL, house: House) -> None:
    assert sorted(house.ids) == NODES
    one = "query ($id: ID!) { node(id: $id) { __typename id } }"
    for name, public_id in house.ids.items():
        found = (await graphql(one, {"id": public_id}, by=house.viewer)).data["node"]
        assert found == {"__typename": name, "id": public_id}
    many = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    together = (await graphql(many, {"ids": list(house.ids.values())}, by=house.viewer)).data["nodes"]
    assert together == [{"__typename": name, "id": public_id} for name, public_id in house.ids.items()]


@dataclass(frozen=True, slots=True)
class Walker:
    """Reads one connection page by page."""

    graphql: GraphQL
    house: House
    listed: Listed

    async def page(self, **window: object) -> Any:  # noqa: ANN401 - a page as JSON
        """Return the page that a window asks for."""
        listed = self.listed
        ends = [each for each in ("first", "after", "last", "before") if each in listed.arguments]
        declared = ", ".join(f"${each}: {listed.arguments[each]}" for each in ends)
        given = ", ".join(f"{each}: ${each}" for each in ends)
        selection = f"edges {{ cursor node {{ {listed.key} }} }} nodes {{ {listed.key} }} {PAGE_INFO} totalCount"
        asked = f"{listed.name}({given}) {{ {selection} }}"
        if listed.parent == "Query":
            answer = await self.graphql(f"query ({declared}) {{ {asked} }}", window, by=self.house.viewer)
            return answer.data[listed.name]
        document = f"query ($id: ID!, {declared}) {{ node(id: $id) {{ ... on {listed.parent} {{ {asked} }} }} }}"
        variables = {"id": self.house.ids[listed.parent], **window}
        return (await self.graphql(document, variables, by=self.house.viewer)).data["node"][listed.name]

    async def forwards(self, size: int) -> list[Any]:
        """Return the pages from the beginning to the end."""
        pages = [await self.page(first=size)]
        while pages[-1]["pageInfo"]["hasNextPage"]:
            pages.append(await self.page(first=size, after=pages[-1]["pageInfo"]["endCursor"]))
        return pages

    async def backwards(self, size: int) -> list[Any]:
        """Return the pages from the end to the beginning."""
        pages = [await self.page(last=size)]
        while pages[-1]["pageInfo"]["hasPreviousPage"]:
            pages.append(await self.page(last=size, before=pages[-1]["pageInfo"]["startCursor"]))
        return pages


@pytest.fixture
def walker(graphql: GraphQL, house: House, listed: Listed) -> Walker:
    """What reads the connection that the test is about."""
    return Walker(graphql, house, listed)


@EACH
async def test_pages_forwards_make_whole_list(walker: Walker) -> None:
    pages = await walker.forwards(2 if walker.listed.goes_back else 7)
    edges = [edge for page in pages for edge in page["edges"]]
    assert len({edge["cursor"] for edge in edges}) == len(edges) == pages[0]["totalCount"] >= ROWS
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True] * (len(pages) - 1) + [False]
    for page in pages:
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert [page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]] == [cursors[0], cursors[-1]]


BOTH_WAYS: Final = pytest.mark.parametrize("listed", [each for each in CONNECTIONS if each.goes_back], ids=str)


@BOTH_WAYS
async def test_pages_backwards_make_same_list_from_end(walker: Walker) -> None:
    forwards, backwards = await walker.forwards(2), await walker.backwards(2)
    # `last` takes from the end and does not turn the page around: edges come in the list's own order, cursors included.
    there = [edge for page in forwards for edge in page["edges"]]
    back = [edge for page in reversed(backwards) for edge in page["edges"]]
    assert back == there
    assert [page["pageInfo"]["hasPreviousPage"] for page in backwards] == [True] * (len(backwards) - 1) + [False]
    for page in backwards:
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert [page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]] == [cursors[0], cursors[-1]]


@BOTH_WAYS
async def test_every_cursor_leads_to_adjacent_rows(walker: Walker) -> None:
    (page,) = await walker.forwards(100)
    edges = page["edges"]
    for place, edge in enumerate(edges):
        after = await walker.page(first=1, after=edge["cursor"])
        assert after["edges"] == edges[place + 1 : place + 2]
        before = await walker.page(last=1, before=edge["cursor"])
        assert before["edges"] == edges[max(place - 1, 0) : place]
    within = await walker.page(first=100, after=edges[0]["cursor"], before=edges[-1]["cursor"])
    assert within["edges"] == edges[1:-1]
