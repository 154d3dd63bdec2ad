"""A server whose PostgreSQL is frozen: it answers 503, ends in time, and works again by itself afterwards."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from db.job_queue import DEFER
from domain import export
from tests.support.frozen_server import frozen, own_cluster, own_data_dir
from tests.support.servers import read_address, running

# Answers come within 2 s on a machine of its own; this bound is for one that is busy.
ANSWER_SECONDS: Final = 8.0
# What supervisors allow. On a machine that does nothing else it takes 6 s.
END_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 70.0
PATHS: Final = ("/readyz", "/graphql", "/v1/movies")
REQUESTS_OF_EACH: Final = 8
PAGE_VIEW: Final = json.dumps(
    {"tracking_id": "a", "type": "page_enter", "page": {"scheme": "https", "path": "/", "query": {}}}
)
QUERY: Final = {"query": "{ movies(first: 1) { nodes { title } } }"}


@contextmanager
def serving(data_dir: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a server of the embedded database in this folder, and its address."""
    command = ("serve", "--port", "0", "--no-demo", *arguments)
    with running("cli", *command, MATINEE_DATA_DIR=str(data_dir)) as (process, line):
        yield process, read_address(line)


def status_of(address: str, path: str) -> int:
    """Return the status of a GET, or of a GraphQL query."""
    if path == "/graphql":
        return httpx.post(f"{address}{path}", json=QUERY, timeout=ANSWER_SECONDS).status_code
    return httpx.get(f"{address}{path}", timeout=ANSWER_SECONDS).status_code


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def waiting_requests(address: str) -> Iterator[None]:
    """Have requests wait for the database: of pages, and of page views, which are still written when their callers have gone."""
    with ExitStack() as stack:
        for _ in range(REQUESTS_OF_EACH):
            for method, path, body in (("GET", "/v1/movies", None), ("POST", "/v1/analytics/track", PAGE_VIEW)):
                connection = stack.enter_context(closing(HTTPConnection(address.removeprefix("http://"))))
                connection.request(method, path, body, {"Content-Type": "application/json"})
        # The server has read them by the time that it answers a later one.
        assert httpx.get(f"{address}/livez").status_code == 200
        yield


def queue_export(url: str) -> int:
    """Request an export in the name of nobody, as the daily one is; return its id."""
    with psycopg.connect(url, options="-c search_path=public,queue") as connection:
        row = connection.execute("INSERT INTO movie_exports (user_id) VALUES (NULL) RETURNING id").fetchone()
        assert row is not None
        job = {"queue": export.QUEUE, "task": export.TASK, "lock": str(row[0])}
        connection.execute(DEFER, job | {"arguments": Jsonb({"export_id": row[0]})})
    return int(row[0])


def is_completed(url: str, export_id: int) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT status FROM movie_exports WHERE id = %s", [export_id]).fetchone()
    return found == ("completed",)


def test_serve_answers_503_while_database_is_frozen_and_recovers() -> None:
    with own_cluster() as (data_dir, url), serving(data_dir, "--workers", "2") as (_, address):
        for path in PATHS:
            assert status_of(address, path) == 200
        queued = queue_export(url)
        with frozen(data_dir):
            for path in (*PATHS, *PATHS):
                assert status_of(address, path) == 503
        for path in PATHS:
            wait_until(lambda path=path: status_of(address, path) == 200)  # type: ignore[misc]
        wait_until(lambda: is_completed(url, queued))


@pytest.mark.alone
@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_ends_in_time_while_database_is_frozen(workers: str) -> None:
    with own_data_dir() as data_dir, serving(data_dir, "--workers", workers) as (process, address):
        assert status_of(address, "/v1/movies") == 200
        with frozen(data_dir), waiting_requests(address):
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_SECONDS) == 0


@pytest.mark.alone
def test_worker_ends_in_time_while_database_is_frozen() -> None:
    with own_cluster() as (data_dir, _), running("cli", "worker", MATINEE_DATA_DIR=str(data_dir)) as (process, line):
        assert line == "Waiting for jobs.\n"
        with frozen(data_dir):
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_SECONDS) == 0
