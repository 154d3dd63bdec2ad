"""A real PostgreSQL for the whole run, emptied before each test, and the server in front of it without a socket."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from httpx import ASGITransport, AsyncClient
from psycopg import sql
from sqlalchemy import make_url
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from app import create_app, open_database
from config.settings import Settings
from db import migrate
from db.embedded.postmaster import run_embedded
from db.engine import Database
from tests.support.catalogue_standin import CatalogueStandIn, catalogue_standin
from tests.support.factories import SECRET, UNLIMITED, Clock
from tests.support.graphql_client import GraphQL
from tests.support.statements import Statements, recorded
from tests.support.turns import in_turn
from tests.support.whole_server import Cinema, Ways, record_lines, record_ways, serving

# Writes the query that says what to delete: whatever is in the tables with rows.
FILLED: Final = """
    SELECT string_agg(
        format('SELECT %L WHERE EXISTS (SELECT FROM %2$I.%3$I)',
            format('DELETE FROM %I.%I', schemaname, tablename), schemaname, tablename),
        ' UNION ALL '
    )
    FROM pg_tables WHERE schemaname IN ('public', 'queue') AND tablename <> 'alembic_version'
"""


def pytest_configure() -> None:
    """Let the servers that tests start end by SIGHUP: below `nohup` they would inherit that it is ignored, and keep to it."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run the tests: one more than there are processors, for tests wait for servers; 8 at most."""
    return min((os.cpu_count() or 1) + 1, 8)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test, fixtures and all, when its turn has come."""
    with in_turn(item):
        return (yield)


@pytest.fixture(autouse=True)
def clock() -> None:
    """Let `soon` mean the same all test long."""
    Clock.start()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The migrated database of this run: its own, on the server that TEST_DATABASE_URL leads a superuser to, else embedded."""
    given = os.environ.get("TEST_DATABASE_URL")
    with _made_on(given) if given else _embedded() as url:
        migrate.upgrade(url)
        yield url


@contextmanager
def _made_on(server: str) -> Iterator[str]:
    name = f"matinee_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        # From template0, so that the encoding can be chosen: fold() knows nothing but Unicode.
        connection.execute(sql.SQL("CREATE DATABASE {} ENCODING utf8 TEMPLATE template0").format(sql.Identifier(name)))
        # No test pulls the plug, so none has to wait for the disk.
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _embedded() -> Iterator[str]:
    # Not tmp_path: root's is private, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="matinee-tests-"))
    folder.chmod(0o755)
    try:
        with run_embedded(folder) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                # Emptying a table waits for the disk whatever synchronous_commit says.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            with _made_on(url) as made:
                yield made
    finally:
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def emptied(database_url: str) -> Iterator[Callable[[], None]]:
    """What empties the tables, over a connection that stays open; most are empty, and cost nothing."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(FILLED).fetchone()
        assert row is not None
        filled = row[0]

        def empty() -> None:
            deletions = [text for (text,) in connection.execute(filled)]
            # Triggers and foreign keys are silent; TRUNCATE takes ten times as long for a few rows.
            silence = "SET LOCAL session_replication_role = replica"
            connection.execute(";".join(["BEGIN", silence, *deletions, "COMMIT"]))
            # Ids of one millisecond are in order until their 12 bits of sequence begin anew; no test makes so many.
            connection.execute("SELECT setval('snowflake_sequence', 0, false)")

        yield empty


@pytest.fixture
def empty_database_url(database_url: str, emptied: Callable[[], None]) -> str:
    """The address of the database, without a row in it."""
    emptied()
    return database_url


@pytest.fixture
def settings(empty_database_url: str, tmp_path: Path) -> Settings:
    """The settings of the server under test; a module may override them."""
    return Settings.from_env(
        {
            "DATABASE_URL": empty_database_url,
            "MATINEE_DATA_DIR": str(tmp_path),
            "MATINEE_SECRET": SECRET,
            "MATINEE_PUBLIC_URL": "https://cinema.test",
            "MATINEE_POOL_SIZE": "4",
            # A test that changes something reads it at once, and changes are heard a moment later.
            "MATINEE_RESPONSE_CACHE": "off",
            **UNLIMITED,
        }
    )


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """How the servers of the test answer each request."""
    return record_ways(monkeypatch)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of the access log."""
    return record_lines(monkeypatch)


@pytest.fixture
async def cinema(settings: Settings, ways: Ways, logged: list[dict[str, Any]]) -> AsyncIterator[Cinema]:
    """A server on a socket of this process."""
    async with serving(settings, ways, logged) as made:
        yield made


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The database, empty, through a pool of the test's own."""
    async with open_database(settings) as opened:
        yield opened


@pytest.fixture
def app(settings: Settings) -> Starlette:
    """The server, whose lifespan has not begun."""
    return create_app(settings, with_jobs=False)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[AsyncClient]:
    """An HTTP client of the running server."""
    async with running(app) as opened:
        yield opened


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[AsyncClient]:
    """Yield a client of a server; what the server does not catch is a 500, as it is on a socket."""
    async with app.router.lifespan_context(app) as state:
        transport = ASGITransport(_with_state(app, dict(state or {})), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://cinema.local") as opened:
            yield opened


def _with_state(app: ASGIApp, state: dict[str, Any]) -> ASGIApp:
    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return served


@pytest.fixture
def graphql(client: AsyncClient) -> GraphQL:
    """What sends a document to the running server and reads the answer."""
    return GraphQL(client)


@pytest.fixture(scope="session")
def standin() -> Iterator[CatalogueStandIn]:
    """The stand-in of the third-party catalogue, for the whole run."""
    with catalogue_standin() as running:
        yield running


@pytest.fixture
def catalogue(standin: CatalogueStandIn) -> CatalogueStandIn:
    """The stand-in without any fault; a module whose server is to ask it overrides `settings` by `catalogue.told`."""
    standin.behave()
    return standin


@pytest.fixture
def statements() -> Iterator[Statements]:
    """The SQL statements that have run since the last `clear()`."""
    with recorded() as seen:
        yield seen
