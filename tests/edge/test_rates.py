"""Rates of whole servers, as real processes: one count for all workers, by the address that a trusted proxy tells."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from db import migrate
from tests.cli.test_main import Server, serving
from tests.support.own_database import own_database

# 1 + 1 + 8.
PAGE = "{ movies(first: 8) { nodes { id } } }"


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers, behind a proxy on this machine."""
    with own_database(database_url) as url:
        migrate.upgrade(url)
        folder = tmp_path_factory.mktemp("server")
        told = {
            "DATABASE_URL": url,
            "MATINEE_SECRET": "the secret of a server that is asked too often",
            "MATINEE_TRUSTED_PROXIES": "127.0.0.0/8",
            "MATINEE_LIMIT_COST": "100/minute",
        }
        with serving(folder, "--workers", "2", "--no-jobs", **told) as running:
            yield running


def post(server: Server, path: str, body: object, address: str) -> httpx.Response:
    """Return an answer over a connection of its own, which any worker may take."""
    return httpx.post(f"{server.address}{path}", json=body, headers={"X-Forwarded-For": address}, timeout=20)


def test_sign_ins_are_one_count_for_all_workers(server: Server) -> None:
    names = [f"user{number}" for number in range(14)]
    body = [{"username": name, "password": "correct horse battery"} for name in names]
    answers = [post(server, "/login/", each, "192.0.2.1").status_code for each in body]
    assert answers == [401] * 10 + [429] * 4


def test_costs_are_one_count_for_all_workers(server: Server) -> None:
    answers = Counter(post(server, "/graphql", {"query": PAGE}, "192.0.2.2").status_code for _ in range(25))
    assert answers == {200: 10, 429: 15}


def test_each_address_that_the_proxy_tells_has_its_own_count(server: Server) -> None:
    left = [post(server, "/graphql", {"query": PAGE}, f"192.0.2.{number}").headers["ratelimit"] for number in (3, 4, 3)]
    assert [each.split(";")[1] for each in left] == ["r=90", "r=90", "r=80"]


def test_a_proxy_that_is_not_trusted_tells_nothing(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with own_database(database_url) as url:
        migrate.upgrade(url)
        told = {"DATABASE_URL": url, "MATINEE_SECRET": "the secret of a server that trusts nobody at all"}
        with serving(tmp_path_factory.mktemp("alone"), "--no-jobs", **told) as running:
            left = [post(running, "/graphql", {"query": PAGE}, f"192.0.2.{n}").headers["ratelimit"] for n in (1, 2)]
    assert [each.split(";")[1] for each in left] == ["r=59990", "r=59980"]
