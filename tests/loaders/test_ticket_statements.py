"""Lists of events, reservations and tickets cost the same number of statements at one row and at twenty."""

from dataclasses import replace
from typing import Final

import pytest

from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from db.models import User
from tests.loaders.test_statements import MANY, Case, at
from tests.support.factories import make_page_view, make_user
from tests.support.graphql_client import GraphQL
from tests.support.statements import Statements
from tests.support.ticketing import make_event, make_event_reservation, make_show, make_ticket

CASES: Final = {
    "events": Case("events(first: $n) { totalCount nodes { uuid name availability } }", 2, ("events", "nodes")),
    "events searched": Case('events(first: $n, filter: {search: "event"}) { nodes { id } }', 1, ("events", "nodes")),
    "what reservations are for": Case(
        "viewer { eventReservations(first: $n) { totalCount edges { cursor node { uuid event { name } } } } }",
        4,
        ("viewer", "eventReservations", "edges"),
    ),
    "reservations of users": Case(
        "pageViews(first: $n) { nodes { user { eventReservations { totalCount nodes { event { name } } } } } }",
        7,
        ("pageViews", "nodes"),
    ),
    "tickets of a show": Case(
        # One asks whether the viewer is staff; the tickets read their show once more, by its id.
        "show(id: $show) { tickets(first: $n) { totalCount nodes { userName expiresAt show { showTiming } } } }",
        5,
        ("show", "tickets", "nodes"),
    ),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server without plans: what this is about are the statements of the executor's loaders."""
    return replace(settings, planner=PlannerMode(is_on=False))


@pytest.fixture
async def viewer(database: Database) -> User:
    """A staff user with twenty reservations of as many events."""
    made = await make_user(database, is_staff=True)
    for _ in range(MANY):
        event, user = await make_event(database), await make_user(database)
        for owner in (made, user):
            await make_event_reservation(database, event=event, user=owner)
        await make_page_view(database, user_id=user.id)
    return made


@pytest.fixture
async def show_id(database: Database) -> str:
    """A show with twenty tickets."""
    made = await make_show(database)
    for _ in range(MANY):
        await make_ticket(database, show=made)
    return f"shw_{made.id}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_number_of_statements_does_not_grow_with_rows(
    graphql: GraphQL, statements: Statements, viewer: User, show_id: str, case: Case
) -> None:
    asked = "$n: Int!, $show: ID!" if "$show" in case.fields else "$n: Int!"
    spent = {}
    for size in (1, MANY):
        statements.clear()
        answer = await graphql(f"query ({asked}) {{ {case.fields} }}", {"n": size, "show": show_id}, by=viewer)
        assert len(at(answer.data, case.path)) == size
        spent[size] = len(statements)
    assert spent == {1: case.expected, MANY: case.expected}, statements


async def test_reads_nodes_of_one_kind_in_one_statement(
    graphql: GraphQL, database: Database, statements: Statements, viewer: User
) -> None:
    rows = [await make_event_reservation(database, user=viewer) for _ in range(MANY)]
    ids = [f"{kind}_{identity}" for row in rows for kind, identity in (("evr", row.id), ("evt", row.event_id))]
    statements.clear()
    answer = await graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}, by=viewer)
    assert [node["id"] for node in answer.data["nodes"]] == ids
    assert len(statements) == 2
