"""docs/clients.md: each mutation's codes are those that its code can raise, and what is not there answers as stated."""

import ast
import inspect
import re
from collections.abc import Iterator
from textwrap import dedent
from types import FunctionType
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType
from httpx import AsyncClient

import errors
from errors import Refusal
from graphql_server.executable_schema import SCHEMA
from schema.user_error import KINDS
from tests.support.pages import ROOT

PAGE: Final = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
ROW: Final = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
FOLLOWED: Final = ("resolvers", "domain", "identity", "upstreams")
# Raised by constraints of the tables and by third parties, where no name in the code leads from the mutation.
BEYOND: Final = {
    "signUp": {"EMAIL_TAKEN", "USERNAME_TAKEN"},
    "publishMovie": {"PROVIDER_NOT_FOUND", "UPSTREAM_UNAVAILABLE"},
}
# Raised by shared functions on behalf of other mutations.
UNREACHABLE: Final = {
    "confirmBooking": {"SEATS_UNAVAILABLE"},
    "cancelBooking": {"SEATS_UNAVAILABLE"},
    "signIn": {"INVALID_EMAIL", "INVALID_USERNAME"},
}


def list_references(function: FunctionType) -> Iterator[Any]:
    """Yield what the names in a function's source stand for, the entries of its tables too."""
    for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))):
        found: Any = None
        if isinstance(node, ast.Name):
            found = function.__globals__.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = getattr(function.__globals__.get(node.value.id), node.attr, None)
        yield from found.values() if isinstance(found, dict) else (found,)


def collect_codes(function: FunctionType) -> set[str]:
    """Return the codes that can be in the payload of a mutation, by every function that its resolver leads to."""
    codes: set[str] = set()
    seen, open_ones = {function}, [function]
    while open_ones:
        for found in list_references(open_ones.pop()):
            if isinstance(found, type) and issubclass(found, KINDS_OF_PAYLOAD) and found in errors.list_leaves():
                codes.add(found.code)
            elif isinstance(found, FunctionType) and found not in seen and is_followed(found):
                seen.add(found)
                open_ones.append(found)
    return codes


KINDS_OF_PAYLOAD: Final[tuple[type[Refusal], ...]] = tuple(refused for refused, _ in KINDS)


def is_followed(function: FunctionType) -> bool:
    """Tell whether a function is part of what a mutation does."""
    return function.__module__.partition(".")[0] in FOLLOWED or function.__module__ == "db.ids"


def read_table() -> dict[str, set[str]]:
    """Return the codes of each mutation as the page lists them."""
    section = PAGE.split("## Codes of each mutation")[1].split("\n## ")[0]
    return {name: set(re.findall(r"`(\w+)`", codes)) for name, codes in ROW.findall(section)}


def list_mutations() -> dict[str, FunctionType]:
    """Return the function behind each field of Mutation."""
    kind = SCHEMA.get_type_by_name("Mutation")
    fields = {SCHEMA.config.name_converter.from_field(field): field for field in getattr(kind, "fields", ())}
    return {name: field.base_resolver.wrapped_func for name, field in fields.items()}


def test_lists_every_mutation_once() -> None:
    mutation = SCHEMA.graphql.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    assert list(read_table()) == sorted(mutation.fields)
    assert set(list_mutations()) == set(mutation.fields)


def test_lists_codes_that_each_mutation_can_raise() -> None:
    expected = {
        name: (collect_codes(function) | BEYOND.get(name, set())) - UNREACHABLE.get(name, set())
        for name, function in sorted(list_mutations().items())
    }
    assert read_table() == expected


@pytest.mark.parametrize("body", [[{"query": "{ __typename }"}]])
async def test_refuses_batch_of_operations(client: AsyncClient, body: Any) -> None:  # noqa: ANN401 - JSON
    answer = await client.post("/graphql", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_refuses_upload_as_multipart(client: AsyncClient) -> None:
    answer = await client.post("/graphql", files={"operations": (None, "{}"), "map": (None, "{}")})
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ movies { ... @defer { totalCount } } }", "Unknown directive '@defer'."),
        ("{ movies { nodes @stream { id } } }", "Unknown directive '@stream'."),
        ("{ _service { sdl } }", "Cannot query field '_service' on type 'Query'."),
    ],
)
async def test_refuses_what_the_schema_does_not_have(client: AsyncClient, document: str, message: str) -> None:
    answer = (await client.post("/graphql", json={"query": document})).json()
    assert [error["message"] for error in answer["errors"]] == [message]
    assert message in PAGE
