"""Clients in JavaScript and TypeScript do the whole booking: Apollo, urql, gql.tada, graphql-codegen, openapi-fetch."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.clients.checks import check_booking, check_rest_booking, where_wanted
from tests.clients.conftest import Workplace
from tests.support import browser_cinema as cinemas
from tests.support.browser_cinema import Cinema
from tests.support.factories import SECRET
from tests.support.pages import ROOT

pytestmark = where_wanted
TSC: Final = "typescript/bin/tsc"


@pytest.mark.parametrize("script", ["apollo.mjs", "urql.mjs"])
def test_client_merges_pages_books_and_follows_seats(workplace: Workplace, script: str) -> None:
    check_booking(workplace.book(workplace.find_node(), script))


def test_websocket_and_event_stream_take_token_as_page_says(workplace: Workplace) -> None:
    showing, customer = workplace.cinema.session(), workplace.cinema.customer()
    printed = workplace.run(workplace.find_node(), "live.mjs", SESSION=showing.id, TOKEN=customer.token)
    assert printed == f'{{"webSocket":{showing.free},"stream":{showing.free}}}'


def test_gql_tada_types_documents_by_served_schema(workplace: Workplace) -> None:
    workplace.node("gql.tada/bin/cli.js", "generate-output")
    workplace.node(TSC, "--project", "tsconfig.json")
    check_booking(workplace.book(workplace.find_node(), "tada.js"))

    script = workplace.folder / "tada.ts"
    script.write_text(script.read_text().replace(".booking!.reservedSeats", ".booking!.reservedChairs"))
    refused = workplace.attempt(workplace.find_node(), f"node_modules/{TSC}", "--project", "tsconfig.json")
    assert refused.returncode != 0
    assert "reservedChairs" in refused.stdout


@pytest.fixture
def enforcing(cinema: Cinema) -> Iterator[Cinema]:
    """The cinema through a server that runs registered documents only."""
    with cinemas.open_second_server(cinema, MATINEE_DOCUMENTS="enforce") as second:
        yield second


def test_codegen_manifest_is_registered_and_client_preset_books(
    make_workplace: Callable[[Cinema], Workplace], enforcing: Cinema
) -> None:
    workplace = make_workplace(enforcing)
    workplace.node("@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.json")
    workplace.node(TSC, "--project", "tsconfig.codegen.json")
    manifest = workplace.folder / "gql/persisted-documents.json"
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "cli", "documents", "add", str(manifest)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": enforcing.database_url, "MATINEE_SECRET": SECRET},
        check=True,
        capture_output=True,
    )
    check_booking(workplace.book(workplace.find_node(), "codegen.js"))

    # The snippet for Relay sends what is registered by its hash, too.
    hashes = {text.split()[1].partition("(")[0]: name for name, text in json.loads(manifest.read_text()).items()}
    printed = workplace.run(workplace.find_node(), "relay.mjs", HASH=hashes["Programme"].removeprefix("sha256:"))
    assert len(json.loads(printed)["data"]["movies"]["nodes"]) == 2


def test_openapi_typescript_types_whole_booking(workplace: Workplace) -> None:
    workplace.node("openapi-typescript/bin/cli.js", f"{workplace.cinema.url}/openapi.json", "--output", "api.ts")
    workplace.node(TSC, "--project", "tsconfig.openapi.json")
    check_rest_booking(workplace.book(workplace.find_node(), "openapi.js"))
