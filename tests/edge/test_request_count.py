"""The request count of whole servers, as real processes: exact over workers, a second behind over servers."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest

from db import migrate
from tests.cli.test_main import Server, serving
from tests.support.factories import UNLIMITED
from tests.support.own_database import own_database

CONCURRENT = 1000
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def environment(database_url: str) -> Iterator[dict[str, str]]:
    """What several servers share: a database of this module, and the secret."""
    with own_database(database_url) as url:
        migrate.upgrade(url)
        secret = "the same secret for all of the servers"
        yield {"DATABASE_URL": url, "MATINEE_SECRET": secret, "MATINEE_POOL_SIZE": "3", **UNLIMITED}


@pytest.fixture(scope="module")
def server(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--workers", "2", "--no-jobs", **environment) as running:
        yield running


def sign_in(server: Server) -> dict[str, str]:
    account = {"username": "ada", "password": "correct horse battery"}
    answer = httpx.post(f"{server.address}/register/", json=account)
    if answer.status_code == 409:
        answer = httpx.post(f"{server.address}/login/", json=account)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def requests(server: Server, headers: dict[str, str]) -> int:
    count: int = httpx.get(f"{server.address}/request-count/", headers=headers).json()["requests"]
    return count


def reset(server: Server, headers: dict[str, str]) -> None:
    assert httpx.post(f"{server.address}/request-count/reset/", headers=headers).status_code == 200


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


async def crowd(address: str) -> set[str]:
    """Send the requests at once, each on a connection of its own; return who was answered."""
    url = httpx.URL(address)

    async def ask() -> str:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n")[0].decode()

    return set(await asyncio.gather(*(ask() for _ in range(CONCURRENT))))


def workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children.split()}
    return [pid for pid, command in commands.items() if "spawn_main" in command]


def test_a_thousand_at_once_on_two_workers_are_counted_to_the_one(server: Server) -> None:
    headers = sign_in(server)
    reset(server, headers)

    assert asyncio.run(crowd(server.address)) == {"HTTP/1.1 200 OK"}

    assert requests(server, headers) == CONCURRENT + 1
    # On whichever worker it is asked for, and reset.
    assert [requests(server, headers) for _ in range(20)] == list(range(CONCURRENT + 2, CONCURRENT + 22))
    for _ in range(10):
        reset(server, headers)
        assert requests(server, headers) == 1


def test_a_killed_worker_takes_no_request_with_it(server: Server) -> None:
    headers = sign_in(server)
    reset(server, headers)
    asyncio.run(crowd(server.address))

    for pid in workers(server):
        os.kill(pid, signal.SIGKILL)
    assert within(20, lambda: len(server_up(server)) > 0)

    assert requests(server, headers) >= CONCURRENT + 1


def server_up(server: Server) -> str:
    try:
        return httpx.get(f"{server.address}/livez").text
    except httpx.HTTPError:
        return ""


def test_servers_add_up_and_are_reset_together(server: Server, environment: dict[str, str], tmp_path: Path) -> None:
    headers = sign_in(server)
    with serving(tmp_path / "other", "--no-jobs", **environment) as other:
        for _ in range(50):
            httpx.get(f"{other.address}/livez")
        time.sleep(0.1)
        reset(server, headers)
        time.sleep(0.1)
        for _ in range(50):
            httpx.get(f"{other.address}/livez")
        asked = count_requests_until(server, headers, others=50)
        asked += count_requests_until(other, headers, others=50 + asked)
        assert asked >= 2

        reset(other, headers)
        count_requests_until(server, headers, others=0)


def count_requests_until(server: Server, headers: dict[str, str], *, others: int) -> int:
    """Ask until the count is that of the others and of those that ask here; return how often. Servers add up each second."""
    end = time.monotonic() + PATIENCE_SECONDS
    for asked in count(1):
        if (found := requests(server, headers)) == others + asked:
            return asked
        assert time.monotonic() < end, (found, others, asked)
        time.sleep(0.3)
    raise AssertionError


# The last one, for it ends the server.
def test_an_orderly_end_loses_nothing(server: Server, environment: dict[str, str], tmp_path: Path) -> None:
    headers = sign_in(server)
    reset(server, headers)
    for _ in range(20):
        httpx.get(f"{server.address}/livez")
    assert server.end() == 0

    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT sum(counted) FROM request_counts").fetchone() == (20,)
    with serving(tmp_path, "--no-jobs", **environment) as after:
        assert within(2, lambda: requests(after, headers) > 20)
