"""Relay's compiler takes the contract as it is, and what it writes is registered, sent by its hash, and answered."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType
from httpx import AsyncClient

from config.settings import Settings
from db.engine import Database
from domain import trusted_document
from domain.trusted_document import compute_digest
from graphql_server.document_manifests import collect_documents
from graphql_server.executable_schema import SCHEMA, format_sdl
from tests.support.factories import make_movie, make_place, make_session, soon

HERE: Final = Path(__file__).parent
PAGE: Final = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


def compiled(folder: Path, sources: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the compiler over these sources, in a folder of its own."""
    # Where the machine has no Node.js, `make test` has put one beside our Python.
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if node is None or not (HERE / "node_modules").exists():
        pytest.skip("Relay's compiler is not installed; make test installs it")
    (folder / "src").mkdir()
    (folder / "__generated__").mkdir()
    for name, text in sources.items():
        (folder / "src" / name).write_text(text)
    (folder / "schema.graphql").write_text(format_sdl())
    (folder / "persisted.json").write_text("{}")
    config = json.loads((HERE / "relay.config.json").read_text()) | {"schema": "./schema.graphql"}
    (folder / "relay.config.json").write_text(json.dumps(config))
    command = [node, str(HERE / "node_modules/relay-compiler/cli.js"), "relay.config.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603


@pytest.fixture(scope="module")
def client_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compiled client."""
    folder = tmp_path_factory.mktemp("relay")
    done = compiled(folder, {file.name: file.read_text() for file in (HERE / "src").iterdir()})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


# Every connection


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """A field that is a connection, on a type that Relay can fetch again: a root, or anything with a global id."""

    parent: str
    name: str
    field: GraphQLField

    def fragment(self) -> str:
        """Return a fragment that pages through it, from both ends where it has two."""
        ends = [each for each in PAGE if each in self.field.args]
        declared = " ".join(
            f'{each}: {{ type: "{PAGE[each]}"{", defaultValue: 3" if each == "first" else ""} }}' for each in ends
        )
        given = ", ".join(f"{each}: ${each}" for each in ends)
        name = f"all{self.parent}{self.name.capitalize()}"
        return f"""graphql`
          fragment {name} on {self.parent} @refetchable(queryName: "{name}PageQuery") @argumentDefinitions({declared}) {{
            {self.name}({given}) @connection(key: "{name}_{self.name}") {{ edges {{ node {{ __typename }} }} }}
          }}`;"""


def connections() -> Iterator[ConnectionField]:
    """Yield every connection of the schema."""
    for kind in SCHEMA.graphql.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                result = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
                if getattr(result, "name", "").endswith("Connection"):
                    yield ConnectionField(kind.name, name, field)


def test_relay_accepts_every_connection(tmp_path: Path) -> None:
    found = list(connections())
    assert {(each.parent, each.name) for each in found} >= {("Query", "movies"), ("User", "bookings")}
    source = 'import { graphql } from "relay-runtime";\n' + "\n".join(each.fragment() for each in found)
    done = compiled(tmp_path, {"all.ts": source})
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "__generated__").glob("all*PageQuery.graphql.ts"))) == len(found)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("seatsAvailable", "seatsLeft", "`seatsLeft`"),
        ("bookings(first", "favouriteGenres(first", "`favouriteGenres`"),
        ("session {", 'session @connection(key: "x_session") {', "connection"),
    ],
)
def test_relay_compiler_refuses_invalid_document(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    sources = {file.name: file.read_text().replace(was, becomes) for file in (HERE / "src").iterdir()}
    done = compiled(tmp_path, sources)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


# A client at work


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server on which nothing runs but what is registered."""
    return replace(settings, documents="enforce")


@dataclass(slots=True)
class Client:
    """Sends what the compiler has written down, by name."""

    http: AsyncClient
    hashes: dict[str, str]
    token: str | None = None

    async def __call__(self, name: str, **variables: object) -> Any:  # noqa: ANN401 - what the document asked for
        """Return the data of an answer without errors."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"documentId": f"sha256:{self.hashes[name]}", "variables": variables}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture
async def relay(
    client: AsyncClient, client_code: Path, database: Database, settings: Settings, tmp_path: Path
) -> Client:
    """The compiled client, its documents registered from the manifest that the compiler wrote."""
    released = tmp_path / "released"
    released.mkdir()
    shutil.copy(client_code / "persisted.json", released)
    found = collect_documents(released, schema=SCHEMA.graphql, limits=settings.limits)
    async with database.transaction() as tx:
        assert await trusted_document.add_documents(tx, [each.text for each in found]) == len(found)
    names = {each.text.split()[1].partition("(")[0]: compute_digest(each.text) for each in found}
    return Client(client, names)


async def test_relay_client_reads_pages_books_and_refetches(relay: Client, database: Database) -> None:
    movie, place = await make_movie(database), await make_place(database)
    sessions = [await make_session(database, movie=movie, place=place, starts_at=soon(24 * n)) for n in (1, 2, 3)]
    for _ in range(2):
        await make_movie(database)

    signed_up = await relay(
        "accountSignUpMutation", input={"identity": {"email": "ada@example.org"}, "password": "correct horse battery"}
    )
    relay.token = signed_up["signUp"]["token"]

    page = await relay("programmeQuery", count=2, sort="NEW")
    assert page["viewer"]["email"] == "ada@example.org"
    rest = await relay("programmeMoviesPageQuery", count=2, cursor=page["movies"]["pageInfo"]["endCursor"], sort="NEW")
    edges = page["movies"]["edges"] + rest["movies"]["edges"]
    assert len({edge["node"]["id"] for edge in edges}) == 3
    (shown,) = [edge["node"] for edge in edges if edge["node"]["id"] == f"mov_{movie.id}"]
    assert (len(edges), rest["movies"]["pageInfo"]["hasNextPage"]) == (3, False)

    # Anything with an id is fetched again through `node`, here to see what is at the end of its list.
    seen = shown["sessions"]
    more = await relay("programmeSessionsPageQuery", id=f"mov_{movie.id}", after=seen["pageInfo"]["endCursor"], first=2)
    found = [edge["node"]["id"] for edge in seen["edges"] + more["node"]["sessions"]["edges"]]
    assert sorted(found) == sorted(f"ses_{each.id}" for each in sessions)

    opened = await relay("accountOpenMutation", session=found[0], connections=[])
    booking = opened["openBooking"]["booking"]["id"]
    reserved = await relay("accountReserveMutation", booking=booking, seats=2)
    assert reserved["reserveSeats"]["booking"]["session"]["seatsAvailable"] == 98
    again = await relay("accountBookingsPageQuery", id=signed_up["signUp"]["user"]["id"], count=5)
    assert [edge["node"]["id"] for edge in again["node"]["bookings"]["edges"]] == [booking]
