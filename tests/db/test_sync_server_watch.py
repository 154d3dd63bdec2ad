"""A synchronous wait for a PostgreSQL that is frozen ends; one for a statement that is only slow does not."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import migrate, sync_server_watch
from db.sync_server_watch import end_when_silent
from tests.support.frozen_server import frozen, own_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Path, str]]:
    with own_cluster() as made:
        yield made


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_server_watch, "PROBE_SECONDS", 0.1)


def test_ends_waits_of_commands_and_migrations_for_frozen_server(
    cluster: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_server_watch, "MOST_FAILURES", 1)
    data_dir, url = cluster
    with psycopg.connect(url) as connection, frozen(data_dir), end_when_silent(connection, url):
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert connection.broken
    with pytest.raises(DBAPIError), migrate.open_connection(url) as opened, frozen(data_dir):
        opened.execute(text("SELECT 1"))


def test_lets_slow_statement_end(cluster: tuple[Path, str]) -> None:
    with psycopg.connect(cluster[1]) as connection, end_when_silent(connection, cluster[1]):
        assert connection.execute("SELECT 'slow' FROM pg_sleep(1)").fetchone() == ("slow",)
