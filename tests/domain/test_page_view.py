import pytest

from app import open_database
from config.settings import Settings
from db.engine import Database
from db.models import PageEventType, PageView
from domain import page_view
from domain.page_view import NewPageView
from tests.support.factories import make_user

ALL = "SELECT id, tracking_id, user_id, type, scheme, path, query, occurred_at FROM page_views ORDER BY id"


def seen(path: str = "/", *, user_id: int | None = None, query: tuple[tuple[str, str], ...] = ()) -> NewPageView:
    return NewPageView("abc", PageEventType.PAGE_ENTER, "https", path, query, user_id)


async def keep(database: Database, *views: NewPageView) -> list[PageView]:
    await page_view.insert_page_views(database, views)
    return await database.primary.rows(PageView, ALL)


async def test_stores_all_values_of_page_view(database: Database) -> None:
    user = await make_user(database)
    query = (("q", "amélie"), ("page", "2"), ("q", "'; DROP TABLE users; --"), ("empty", ""))
    (kept,) = await keep(database, seen("/movies/%41?x={y}", user_id=user.id, query=query))
    assert (kept.tracking_id, kept.type, kept.scheme) == ("abc", PageEventType.PAGE_ENTER, "https")
    assert (kept.user_id, kept.path) == (user.id, "/movies/%41?x={y}")
    assert kept.query == [list(pair) for pair in query]


async def test_stores_page_views_in_order(database: Database) -> None:
    paths = [f"/{number}" for number in range(300)]
    kept = await keep(database, *map(seen, paths))
    assert sorted(view.path for view in kept) == sorted(paths)
    assert [view.path for view in sorted(kept, key=lambda view: view.occurred_at)] == paths


async def test_stores_page_view_of_deleted_account_without_user(database: Database) -> None:
    user = await make_user(database)
    kept = await keep(database, seen("/a", user_id=1), seen("/b", user_id=user.id), seen("/c"))
    assert [view.user_id for view in kept] == [None, user.id, None]


async def test_storing_no_page_views_does_nothing(database: Database) -> None:
    assert await keep(database) == []


async def test_keeps_text_whatever_encoding_the_environment_names(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    async with open_database(settings) as opened:
        await page_view.insert_page_views(opened, [seen("/amélie")])
    assert await database.primary.value("SELECT path FROM page_views") == "/amélie"
