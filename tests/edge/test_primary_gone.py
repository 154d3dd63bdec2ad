"""While the primary is gone a standby answers what everybody may read, also where the response cache is on."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from app import open_database
from config.settings import Settings
from db import migrate, standby_watch
from db.embedded.postmaster import start, stop
from tests.support.factories import make_movie
from tests.support.standby import Pair, streaming_standby, wait_until_replayed
from tests.support.whole_server import Cinema, Ways, post, serving

LIST: Final = "query Titles($n: Int = 5) { movies(first: $n) { nodes { title } } }"
GET: Final = b"GET /v1/movies?limit=%d HTTP/1.1\r\nHost: cinema.local\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[Pair, Callable[[], None]]]:
    """A primary with a standby, and what stops the primary."""
    folder = Path(tempfile.mkdtemp(prefix="matinee-gone-"))
    folder.chmod(0o755)
    server = start(folder / "data")
    is_running = True

    def stop_primary() -> None:
        nonlocal is_running
        if is_running:
            is_running = False
            stop(server, seconds=10)

    try:
        migrate.upgrade(server.url)
        with streaming_standby(server.cluster) as url:
            yield Pair(server.url, url), stop_primary
    finally:
        stop_primary()


@pytest.fixture
def settings(settings: Settings, pair: tuple[Pair, Callable[[], None]], monkeypatch: pytest.MonkeyPatch) -> Settings:
    # A busy machine must not leave the standby out.
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", 60.0)
    primary, standby = pair[0].primary, pair[0].standby
    with psycopg.connect(primary, autocommit=True) as connection:
        connection.execute("TRUNCATE movies CASCADE")
    return replace(settings, database_url=primary, database_read_url=standby, response_cache=2**24)


@pytest.fixture
async def cinema(
    settings: Settings,
    ways: Ways,
    logged: list[dict[str, Any]],
    pair: tuple[Pair, Callable[[], None]],
) -> AsyncIterator[Cinema]:
    async with open_database(settings) as database:
        await make_movie(database, title="Ran")
    await wait_until_replayed(pair[0])
    async with serving(settings, ways, logged) as made:
        yield made


@pytest.mark.parametrize("are_open", [True, False], ids=["without_task", "by_application"])
async def test_standby_answers_lists_while_primary_is_gone(
    cinema: Cinema, pair: tuple[Pair, Callable[[], None]], *, are_open: bool
) -> None:
    cinema.ways.are_open = are_open
    async with cinema.wire() as wire:
        assert (await wire.ask(post(LIST)))[0] == 200
        assert (await wire.ask(GET % 5))[0] == 200
        pair[1]()
        for number in (5, 4):
            status, _, body = await wire.ask(post(LIST, n=number))
            assert (status, b'"Ran"' in body, b'"errors"' in body) == (200, True, False), body
            status, _, body = await wire.ask(GET % number)
            assert (status, b'"Ran"' in body) == (200, True), body
