"""Page views through GraphQL: told by anybody, read by staff."""

from typing import Any

import pytest
from httpx import AsyncClient

from db.engine import Database
from db.models import User
from domain import instants
from tests.support.documents import done, refused, send
from tests.support.factories import bearer, make_page_view, make_user, soon
from tests.support.graphql_client import GraphQL

LIST = """query ($filter: PageViewFilter) {
    pageViews(filter: $filter) {
        totalCount nodes { id trackingId type scheme path query { name value } occurredAt user { id email } }
    }
}"""
PAGE: dict[str, Any] = {"scheme": "https", "path": "/movies"}
SEEN: dict[str, Any] = {"trackingId": "8d3f1c52", "type": "PAGE_ENTER", "page": PAGE}


@pytest.fixture
async def staff(database: Database) -> User:
    """Who may read page views."""
    return await make_user(database, is_staff=True)


async def views(graphql: GraphQL, staff: User, **given: Any) -> list[dict[str, Any]]:
    """Return the page views that match."""
    found = (await graphql(LIST, {"filter": given or None}, by=staff)).data["pageViews"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def test_stores_page_view_as_sent(graphql: GraphQL, staff: User) -> None:
    query = [{"name": "q", "value": "amélie"}, {"name": "q", "value": ""}, {"name": "", "value": "x"}]
    told = SEEN | {"type": "PAGE_EXIT", "page": PAGE | {"query": query}}
    assert await done(graphql, "trackPage", **told) == {"ok": True}
    (view,) = await views(graphql, staff)
    assert view.pop("id").startswith("trk_")
    assert instants.read(view.pop("occurredAt")) <= soon(0.1)
    assert view == {
        "trackingId": "8d3f1c52",
        "type": "PAGE_EXIT",
        "scheme": "https",
        "path": "/movies",
        "query": query,
        "user": None,
    }


async def test_page_view_with_token_has_its_user(database: Database, graphql: GraphQL, staff: User) -> None:
    user = await make_user(database)
    await done(graphql, "trackPage", by=user, **SEEN)
    (view,) = await views(graphql, staff)
    assert view["user"] == {"id": f"usr_{user.id}", "email": user.email}
    assert view["query"] == []


async def test_rest_stores_same_page_view(client: AsyncClient, graphql: GraphQL, staff: User) -> None:
    page = {"scheme": "https", "path": "/movies", "query": {"page": 2, "tag": ["a", "b"], "none": None}}
    body = {"tracking_id": "8d3f1c52", "type": "page_enter", "page": page}
    response = await client.post("/v1/analytics/track", json=body, headers=bearer(staff))
    assert response.status_code == 204
    (view,) = await views(graphql, staff, trackingId="8d3f1c52")
    pairs = [(each["name"], each["value"]) for each in view["query"]]
    assert pairs == [("page", "2"), ("tag", "a"), ("tag", "b"), ("none", "")]
    assert (view["type"], view["user"]["id"]) == ("PAGE_ENTER", f"usr_{staff.id}")


UNFIT: list[tuple[dict[str, Any], list[list[str]]]] = [
    ({"trackingId": ""}, [["input", "trackingId"]]),
    ({"trackingId": "x" * 256}, [["input", "trackingId"]]),
    ({"page": PAGE | {"scheme": ""}}, [["input", "page", "scheme"]]),
    ({"page": PAGE | {"path": "x" * 2049}}, [["input", "page", "path"]]),
    ({"trackingId": "", "page": {"scheme": "", "path": "/"}}, [["input", "trackingId"], ["input", "page", "scheme"]]),
]


@pytest.mark.parametrize(("given", "paths"), UNFIT)
async def test_refuses_page_view_that_cannot_be_stored(
    graphql: GraphQL, staff: User, given: dict[str, Any], paths: list[list[str]]
) -> None:
    refusal = await refused(graphql, "trackPage", **SEEN | given)
    assert refusal == [("InvalidInput", "INVALID_INPUT", path) for path in paths]
    assert await views(graphql, staff) == []


async def test_unknown_type_makes_document_invalid(graphql: GraphQL) -> None:
    answer = await send(graphql, "trackPage", **SEEN | {"type": "page_enter"})
    assert answer.codes == ["INVALID_INPUT"]


async def test_page_views_are_listed_newest_first(database: Database, graphql: GraphQL, staff: User) -> None:
    made = [await make_page_view(database, occurred_at=soon(-hours)) for hours in (3, 1, 2)]
    found = [view["id"] for view in await views(graphql, staff)]
    assert found == [f"trk_{made[number].id}" for number in (1, 2, 0)]


async def test_filters_of_page_views_are_combined(database: Database, graphql: GraphQL, staff: User) -> None:
    user = await make_user(database)
    times = {hours: soon(-hours) for hours in (1, 2, 3)}
    for hours, path, who in ((1, "/a", user), (2, "/a", None), (3, "/b", user)):
        await make_page_view(
            database,
            tracking_id=f"t{hours}",
            path=path,
            user_id=who.id if who else None,
            occurred_at=times[hours],
        )

    async def found(**given: Any) -> list[str]:
        return [view["trackingId"] for view in await views(graphql, staff, **given)]

    user_id, second = f"usr_{user.id}", instants.spell(times[2])
    assert await found() == ["t1", "t2", "t3"]
    assert await found(trackingId="t2") == ["t2"]
    assert await found(userId=user_id) == ["t1", "t3"]
    assert await found(path="/a") == ["t1", "t2"]
    assert await found(path="/A") == []
    assert await found(to=second, **{"from": second}) == ["t2"]
    assert await found(**{"from": second}) == ["t1", "t2"]
    assert await found(to=second) == ["t2", "t3"]
    assert await found(userId=user_id, path="/a", trackingId="t1") == ["t1"]
    assert await found(userId=user_id, path="/a", trackingId="t2") == []
    assert await found(userId="usr_1") == []


async def test_refuses_page_views_filtered_by_malformed_id(graphql: GraphQL, staff: User) -> None:
    assert (await graphql(LIST, {"filter": {"userId": "ada"}}, by=staff)).codes == ["INVALID_ID"]


async def test_only_staff_may_read_page_views(database: Database, graphql: GraphQL) -> None:
    user = await make_user(database)
    for caller, code in ((None, "UNAUTHENTICATED"), (user, "FORBIDDEN")):
        answer = await graphql(LIST, by=caller)
        assert answer.codes == [code]
        assert answer.errors[0]["path"] == ["pageViews"]
        assert answer.response.json()["data"] == {"pageViews": None}
