"""Traces tell what a request did, from HTTP to SQL, and nothing of what its caller sent; without a collector there are none."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from psycopg.errors import DivisionByZero

from app import open_database
from config.settings import Settings
from db.engine import Database
from db.pipeline import Statement
from runtime.tracing import Tracing
from tests.cli.test_main import ROOT, Server, environment, serving
from tests.support.collector import Collector, Sent, collecting
from tests.support.factories import SECRET, bearer, make_booking, make_movie, make_session, make_user
from tests.support.lived import lived

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER: Final = "00f067aa0ba902b7"
SERVER, INTERNAL, CLIENT = 2, 1, 3
MOVIES: Final = """query WhatIsOn($search: String) {
    movies(filter: {search: $search}) { nodes { title sessions(first: 1) { nodes { startsAt place { name } } } } }
}"""
RESERVE: Final = """mutation Reserve($booking: ID!, $seats: Int!) {
    reserveSeats(input: {bookingId: $booking, seats: $seats}) { booking { reservedSeats } errors { code } }
}"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector."""
    with collecting() as running:
        yield running


@pytest.fixture
def server(collector: Collector, empty_database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A whole server that sends its traces there; what it has is sent when it ends."""
    told = {"DATABASE_URL": empty_database_url, "MATINEE_SECRET": SECRET, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with serving(tmp_path, "--no-jobs", **told) as running:
        yield running


def ask(server: Server, document: str, variables: dict[str, object], **headers: str) -> httpx.Response:
    body = {"query": document, "variables": variables}
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"} | headers
    return httpx.post(f"{server.address}/graphql", json=body, headers=headers)


def get(address: str, **more: Any) -> httpx.Response:
    return httpx.get(address, **more)


def below(spans: list[Sent], parent: Sent) -> list[Sent]:
    return [span for span in spans if span.parent == parent.id]


def one(spans: list[Sent], name: str) -> Sent:
    (found,) = [span for span in spans if span.name == name]
    return found


async def test_a_request_is_one_trace_from_http_to_sql(
    server: Server, collector: Collector, database: Database
) -> None:
    await make_session(database, movie=await make_movie(database, title="Playtime"))
    response = ask(server, MOVIES, {"search": "Playtime"})
    assert response.json()["data"]["movies"]["nodes"][0]["title"] == "Playtime"
    assert server.end() == 0

    spans = collector.trace(TRACE)
    assert collector.services == {"matinee"}
    request = one(spans, "POST /graphql")
    assert (request.parent, request.kind, request.failed) == (CALLER, SERVER, False)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "matinee.request_id": response.headers["x-request-id"],
    }
    (operation,) = below(spans, request)
    assert (operation.name, operation.kind) == ("query WhatIsOn", INTERNAL)
    assert operation.attributes == {"graphql.operation.type": "query", "graphql.operation.name": "WhatIsOn"}
    (selected,) = below(spans, operation)
    assert (selected.name, selected.kind) == ("SELECT", CLIENT)
    assert "FROM movies" in selected.attributes["db.query.text"]
    assert "FROM places" in selected.attributes["db.query.text"]
    assert selected.attributes["db.system.name"] == "postgresql"
    # A plan runs no resolvers.
    assert [span.name for span in spans if "." in span.name] == []


async def test_resolvers_have_spans_where_the_executor_runs_them(
    collector: Collector, database: Database, empty_database_url: str, tmp_path: Path
) -> None:
    await make_session(database, movie=await make_movie(database, title="Playtime"))
    told = {"DATABASE_URL": empty_database_url, "MATINEE_SECRET": SECRET, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with serving(tmp_path, "--no-jobs", MATINEE_PLANNER="off", **told) as server:
        ask(server, MOVIES, {"search": "Playtime"})
        server.end()

    spans = collector.trace(TRACE)
    movies = one(spans, "Query.movies")
    (selected,) = [span for span in below(spans, movies) if span.kind == CLIENT]
    assert selected.name == "WITH"
    assert "FROM movies" in selected.attributes["db.query.text"]
    # Resolvers have spans and attributes of rows have none; what a batch asked for hangs below one of its callers.
    names = {span.name for span in spans}
    assert {"Movie.sessions", "Session.place"} <= names
    assert not {"Movie.title", "MovieConnection.nodes", "Place.name"} & names
    assert "FROM places" in " ".join(span.attributes.get("db.query.text", "") for span in spans)
    known = {span.id for span in spans} | {CALLER}
    assert [span for span in spans if span.parent not in known] == []


async def test_change_has_a_span_of_its_transaction(server: Server, collector: Collector, database: Database) -> None:
    user = await make_user(database)
    booking = await make_booking(database, user=user)
    variables = {"booking": f"bok_{booking.id}", "seats": 2}
    assert ask(server, RESERVE, variables, **bearer(user)).json()["data"]["reserveSeats"]["errors"] == []
    server.end()

    spans = collector.trace(TRACE)
    reserve = one(spans, "Mutation.reserveSeats")
    # All of it, the commit too, is one round trip.
    (transaction,) = (span for span in below(spans, reserve) if span.kind == CLIENT)
    assert transaction.name == "TRANSACTION"
    assert "UPDATE sessions" in str(transaction.attributes["db.query.text"])


async def test_a_statement_lasts_until_its_rows_are_there(
    server: Server, collector: Collector, database: Database
) -> None:
    user = await make_user(database)
    booking = await make_booking(database, user=user)
    async with database.transaction() as tx:
        # Somebody else has the session locked: the statement is sent at once, and waits.
        await tx.value("SELECT 1 FROM sessions WHERE id = %(id)s FOR UPDATE", id=booking.session_id)
        response = ask(server, RESERVE, {"booking": f"bok_{booking.id}", "seats": 2}, **bearer(user))
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    server.end()

    spans = collector.trace(TRACE)
    reserve = one(spans, "Mutation.reserveSeats")
    assert reserve.failed
    assert reserve.attributes == {"error.type": "Unavailable"}
    # MATINEE_LOCK_SECONDS
    assert reserve.nanoseconds > 1.5e9


async def test_nothing_that_a_caller_sent_is_in_a_trace(
    server: Server, collector: Collector, database: Database
) -> None:
    user = await make_user(database)
    token = bearer(user)["Authorization"]
    secrets = {"email": "marker-email@example.org", "password": "marker-password"}
    sign_in = "mutation ($email: String!, $password: String!) { signIn(input: {identity: {email: $email}, password: $password}) { token errors { code } } }"
    ask(server, sign_in, dict(secrets))
    ask(server, '{ movies(filter: {search: "marker-literal"}) { totalCount } }', {}, Authorization=token)
    get(f"{server.address}/v1/movies/marker-path?q=marker-query", headers={"Cookie": "a=marker-cookie"})
    get(f"{server.address}/marker-nowhere")
    get(f"{server.address}/graphql", params={"query": "{ movies(first: 0) { totalCount } }", "x": "marker-more"})
    server.end()

    assert len(collector.spans) > 10
    assert b"marker" not in collector.raw
    assert token.encode() not in collector.raw
    assert str(user.id).encode() not in collector.raw
    assert one(collector.spans, "GET unmatched").attributes["http.response.status_code"] == 404


async def test_probes_are_not_traced_and_log_lines_name_their_trace(server: Server, collector: Collector) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert get(server.address + path).status_code == 200
    ask(server, "{ __typename }", {})
    lines = server.lines(until=lambda line: line.get("path") == "/graphql")
    (line,) = [line for line in lines if line.get("path") == "/graphql"]
    server.end()
    assert line["trace_id"] == TRACE
    assert not [span for span in collector.spans if span.name.startswith("GET")]


def test_a_collector_that_is_not_there_is_in_nobodys_way(empty_database_url: str, tmp_path: Path) -> None:
    told = {"DATABASE_URL": empty_database_url, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with serving(tmp_path, "--no-jobs", **told) as running:
        assert ask(running, "{ movies { totalCount } }", {}).status_code == 200
        with lived() as spent:
            assert running.end() == 0
        assert spent.seconds < 10


def test_without_a_collector_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    script = """
import os, sys
import cli.main
from app import create_app
from config.settings import Settings
create_app(Settings.from_env(os.environ))
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry", "google", "requests"))), "app" in sys.modules)
"""
    told = environment(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    for more, loaded in (({}, "[] True"), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "opentelemetry.sdk")):
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-c", script], cwd=ROOT, env={**told, **more}, capture_output=True, text=True, check=True
        )
        assert loaded in done.stdout


async def test_reads_over_pipelined_connections_have_spans(collector: Collector, settings: Settings) -> None:
    tracing = Tracing(collector.url)
    statement = Statement(b"SELECT $1::text\n|| 'b'")
    async with open_database(settings, tracing=tracing) as database:
        reads = database.primary.pipeline
        assert await reads.fetch_value(statement, [b"nobody's request"]) == b"nobody's requestb"
        with tracing.span("request", {}):
            assert await reads.fetch_value(statement, [b"marker"]) == b"markerb"
            assert await reads.fetch_rows(statement, [b"marker"]) == [(b"markerb",)]
            with pytest.raises(DivisionByZero):
                await reads.fetch_value(Statement(b"SELECT 1 / $1::integer"), [b"0"])
    await tracing.close()

    statements = below(collector.spans, one(collector.spans, "request"))
    assert [(span.name, span.kind, span.failed) for span in statements] == [
        ("SELECT", CLIENT, False),
        ("SELECT", CLIENT, False),
        ("SELECT", CLIENT, True),
    ]
    assert statements[0].attributes["db.query.text"] == "SELECT $1::text || 'b'"
    assert b"marker" not in collector.raw
    assert len(collector.spans) == 4
