"""A typed client is made from the contract by ariadne-codegen, and books seats on a whole server."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from db.engine import Database
from graphql_server.executable_schema import format_sdl
from tests.cli.test_main import ROOT, Server, serving
from tests.support.factories import make_movie, make_session, soon

HERE: Final = Path(__file__).parent
GENERATOR: Final = ROOT / ".venv/codegen/bin/ariadne-codegen"


def generated(folder: Path, *, contract: str) -> subprocess.CompletedProcess[str]:
    """Run the generator in a folder, from a contract and the operations beside this file."""
    if not GENERATOR.exists():
        pytest.skip("the generator is not installed; make test installs it")
    shutil.copy(HERE / "operations.graphql", folder)
    (folder / "schema.graphql").write_text(contract)
    told = (HERE / "client.toml").read_text()
    (folder / "client.toml").write_text(told.replace("queries_path", 'schema_path = "schema.graphql"\nqueries_path', 1))
    return subprocess.run(  # noqa: S603 - our own files
        [GENERATOR, "--config", "client.toml"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def client_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The generated package, imported."""
    done = generated(tmp_path, contract=format_sdl())
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("generated_client")
    for name in [each for each in sys.modules if each.partition(".")[0] == "generated_client"]:
        del sys.modules[name]


@pytest.fixture
def server(empty_database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A whole server on the database of the tests."""
    with serving(tmp_path, "--no-jobs", DATABASE_URL=empty_database_url) as running:
        yield running


async def test_generated_client_books_seats(client_module: Any, server: Server, database: Database) -> None:  # noqa: ANN401 - as above
    movie = await make_movie(database, title="Playtime")
    session = await make_session(database, movie=movie, starts_at=soon(24))
    await make_movie(database)
    url = f"{server.address}/graphql"

    async with client_module.Client(url=url) as anonymous:
        signed_up = (await anonymous.sign_up("ada@example.org", "correct horse battery")).sign_up
        assert signed_up.user.email == "ada@example.org"
        again = (await anonymous.sign_up("ada@example.org", "short")).sign_up
        assert [(error.typename__, error.code) for error in again.errors] == [
            ("InvalidInput", client_module.ErrorCode.WEAK_PASSWORD)
        ]
        page = (await anonymous.movies(first=1, filter_=client_module.MovieFilter(search="Playtime"))).movies
        assert (page.total_count, page.page_info.has_next_page) == (1, False)
        (found,) = page.nodes
        assert found.airing_dates.from_ == session.starts_at
        (showing,) = found.sessions.nodes
        assert (showing.id, showing.seats_available) == (f"ses_{session.id}", 100)

    async with client_module.Client(url=url, headers={"Authorization": f"Bearer {signed_up.token}"}) as ada:
        booking = (await ada.open_booking(showing.id)).open_booking.booking
        refused = (await ada.reserve_seats(booking.id, 101)).reserve_seats
        assert refused.booking is None
        assert [(error.typename__, error.seats_available) for error in refused.errors] == [("SeatsUnavailable", 100)]
        reserved = (await ada.reserve_seats(booking.id, 2)).reserve_seats
        assert (reserved.booking.reserved_seats, reserved.errors) == (2, [])
        confirmed = (await ada.confirm_booking(booking.id)).confirm_booking.booking
        assert confirmed.status is client_module.BookingStatus.CONFIRMED
        assert confirmed.confirmed_at < datetime.now(UTC)
        node = (await ada.anything(showing.id)).node
        assert (type(node).__name__, node.seats_available) == ("AnythingNodeSession", 98)


def test_generator_refuses_invalid_document(tmp_path: Path) -> None:
    done = generated(tmp_path, contract=format_sdl().replace("seatsAvailable: Int!", "seatsLeft: Int!"))
    assert done.returncode != 0
    assert "seatsAvailable" in done.stdout + done.stderr
