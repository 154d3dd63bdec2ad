"""Declarations of lists look at every argument of their fields: one that is passed over would be a wrong answer."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from graphql_server.executable_schema import SCHEMA
from graphql_server.field_declarations import find_declaration
from resolvers.planned_reads import ListPage
from schema.inputs import MovieSort

PAGED: Final = {"first", "after", "last", "before"}
FIELDS: Final = {
    (kind.name, name): field
    for kind in SCHEMA.graphql.type_map.values()
    if isinstance(kind, GraphQLObjectType)
    for name, field in kind.fields.items()
}
PAGES: Final = {
    name: reads for name, field in FIELDS.items() if isinstance(reads := find_declaration(field).reads, ListPage)
}


class Noting(Mapping[str, Any]):
    """Arguments that are all left out, and note which ones were looked at."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_given = values
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - an argument
        self.seen.add(name)
        return self.values_given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_given)

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("name", PAGES, ids=".".join)
def test_list_looks_at_every_argument(name: tuple[str, str]) -> None:
    arguments = FIELDS[name].args
    wanted = Noting({})
    asked = Noting({"sort": MovieSort.RATING, "filter": wanted})
    PAGES[name].bind(asked, 1)
    assert asked.seen | PAGED == set(arguments) | PAGED
    if "filter" in arguments:
        given = get_named_type(arguments["filter"].type)
        assert isinstance(given, GraphQLInputObjectType)
        assert wanted.seen == set(given.fields)
