"""Exports over /v1 and through GraphQL: whose they are, what they become, and their file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from starlette.applications import Starlette

from config.settings import Settings
from db.engine import Database
from db.models import User
from domain import export
from tests.support.answers import codes
from tests.support.factories import bearer, make_user
from tests.support.graphql_client import GraphQL
from tests.support.prices import make_export
from upstreams.store import Store

CSV = b"provider,id,title,year,price,first_seen_at,last_seen_at\r\n"
EXPORT = "export { id status rowCount attempts downloadUrl error createdAt completedAt expiresAt }"


@pytest.fixture
async def user(database: Database) -> User:
    return await make_user(database)


async def store_file(settings: Settings, export_id: int) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield CSV

    await Store((settings.data_dir / "exports").as_uri()).write(export.name_file(export_id), parts())


async def completed(database: Database, user: User, **given: Any) -> Any:  # noqa: ANN401 - a row of SQLModel
    now = datetime.now(UTC)
    columns = {"status": "completed", "row_count": 0, "completed_at": now, "expires_at": now + timedelta(days=7)}
    return await make_export(database, user_id=user.id, attempts=1, **columns | given)


async def test_queues_new_export_with_its_job(client: AsyncClient, database: Database, user: User) -> None:
    response = await client.post("/v1/exports", headers=bearer(user))

    assert response.status_code == 202
    made = response.json()["export"]
    assert response.headers["location"] == f"/v1/exports/{made['id']}"
    assert made["id"].startswith("exp_")
    expected = {"status": "queued", "row_count": None, "attempts": 0, "download_url": None, "error": None}
    assert {name: made[name] for name in expected} == expected
    assert (made["completed_at"], made["expires_at"]) == (None, None)
    job = "SELECT args->>'export_id' FROM queue.procrastinate_jobs WHERE task_name = %(task)s"
    assert f"exp_{await database.primary.value(job, task=export.TASK)}" == made["id"]
    assert (await client.get(response.headers["location"], headers=bearer(user))).json() == {"export": made}


async def test_failed_request_queues_no_job(client: AsyncClient, database: Database, user: User) -> None:
    await database.primary.tuples("DELETE FROM users RETURNING 1")
    response = await client.post("/v1/exports", headers=bearer(user))

    assert response.status_code == 401
    assert await database.primary.value("SELECT count(*) FROM queue.procrastinate_jobs") == 0


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", "/exp_1"), ("GET", "/exp_1/movies.csv")])
async def test_collections_need_token(client: AsyncClient, method: str, path: str) -> None:
    response = await client.request(method, f"/v1/exports{path}")

    assert (response.status_code, codes(response)) == (401, ["unauthenticated"])


@pytest.mark.parametrize("path", ["", "/movies.csv"])
async def test_answers_404_for_another_users_export_except_to_staff(
    client: AsyncClient, database: Database, settings: Settings, user: User, path: str
) -> None:
    made = await completed(database, user)
    await store_file(settings, made.id)
    for other, status in ((await make_user(database), 404), (await make_user(database, is_staff=True), 200)):
        assert (await client.get(f"/v1/exports/exp_{made.id}{path}", headers=bearer(other))).status_code == status


async def test_answers_404_for_export_of_the_server_except_to_staff(
    client: AsyncClient, database: Database, user: User
) -> None:
    made = await make_export(database)
    staff = await make_user(database, is_staff=True)

    assert (await client.get(f"/v1/exports/exp_{made.id}", headers=bearer(user))).status_code == 404
    assert (await client.get(f"/v1/exports/exp_{made.id}", headers=bearer(staff))).status_code == 200


@pytest.mark.parametrize("wrong", ["exp_1", "x", "mof_1"])
async def test_answers_404_for_unknown_export(client: AsyncClient, user: User, wrong: str) -> None:
    response = await client.get(f"/v1/exports/{wrong}", headers=bearer(user))

    assert (response.status_code, codes(response)) == (404, ["export_not_found"])


async def test_downloads_file_from_download_url(
    client: AsyncClient, database: Database, settings: Settings, user: User
) -> None:
    made = await completed(database, user)
    await store_file(settings, made.id)
    told = (await client.get(f"/v1/exports/exp_{made.id}", headers=bearer(user))).json()["export"]
    assert told["download_url"] == f"https://cinema.test/v1/exports/exp_{made.id}/movies.csv"

    response = await client.get(told["download_url"].removeprefix("https://cinema.test"), headers=bearer(user))
    assert (response.status_code, response.content) == (200, CSV)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="exp_{made.id}.csv"'
    assert "private" in response.headers["cache-control"]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"status": "queued"}, 409, "export_not_ready"),
        ({"status": "running"}, 409, "export_not_ready"),
        ({"status": "failed"}, 410, "export_gone"),
        ({"status": "expired"}, 410, "export_gone"),
        ({"status": "completed", "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, 410, "export_gone"),
        # Somebody has taken it out of the store.
        ({"status": "completed"}, 410, "export_gone"),
    ],
)
async def test_download_explains_why_there_is_no_file(  # noqa: PLR0917
    client: AsyncClient, database: Database, user: User, given: dict[str, Any], status: int, code: str
) -> None:
    made = await completed(database, user, **given)
    response = await client.get(f"/v1/exports/exp_{made.id}/movies.csv", headers=bearer(user))

    assert (response.status_code, codes(response)) == (status, [code])


async def test_export_expires_by_the_clock_without_a_job(
    client: AsyncClient, graphql: GraphQL, database: Database, user: User
) -> None:
    made = await completed(database, user, expires_at=datetime.now(UTC))
    told = (await client.get(f"/v1/exports/exp_{made.id}", headers=bearer(user))).json()["export"]
    assert (told["status"], told["download_url"]) == ("expired", None)

    document = f'{{ movieExport(id: "exp_{made.id}") {{ status downloadUrl }} }}'
    data = (await graphql(document, by=user)).data["movieExport"]
    assert data == {"status": "EXPIRED", "downloadUrl": None}


async def test_answers_503_when_the_store_is_down(
    app: Starlette, client: AsyncClient, database: Database, settings: Settings, user: User
) -> None:
    assert app is not None
    made = await completed(database, user)
    settings.data_dir.mkdir(exist_ok=True)
    (settings.data_dir / "exports").touch()
    response = await client.get(f"/v1/exports/exp_{made.id}/movies.csv", headers=bearer(user))

    assert (response.status_code, codes(response)) == (503, ["upstream_unavailable"])


async def test_graphql_requests_and_follows_an_export(graphql: GraphQL, database: Database, user: User) -> None:
    answer = await graphql(f"mutation {{ requestMovieExport {{ {EXPORT} errors {{ code }} }} }}", by=user)
    payload = answer.data["requestMovieExport"]
    assert (payload["errors"], payload["export"]["status"], payload["export"]["rowCount"]) == ([], "QUEUED", None)

    identity = payload["export"]["id"]
    document = "query ($id: ID!) { movieExport(id: $id) { id attempts } node(id: $id) { id } }"
    assert (await graphql(document, {"id": identity}, by=user)).data == {
        "movieExport": {"id": identity, "attempts": 0},
        "node": {"id": identity},
    }
    nothing = {"movieExport": None, "node": None}
    assert (await graphql(document, {"id": identity})).data == nothing
    assert (await graphql(document, {"id": identity}, by=await make_user(database))).data == nothing
    staff = await make_user(database, is_staff=True)
    assert (await graphql(document, {"id": identity}, by=staff)).data["node"] == {"id": identity}


async def test_exports_need_token(graphql: GraphQL) -> None:
    assert (await graphql("mutation { requestMovieExport { errors { code } } }")).codes == ["UNAUTHENTICATED"]
