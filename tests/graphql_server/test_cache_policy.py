"""What may be kept by caches is written down field by field, and nothing of it changes by the second."""

from graphql import GraphQLInterfaceType, GraphQLObjectType

from graphql_server.cache_policy import CATALOGUE, is_catalogue
from graphql_server.executable_schema import SCHEMA
from runtime.usage_metrics import Coordinate

NEVER = ("Available", "availability", "viewer", "booking", "reservation", "price", "errors")


def test_every_field_of_the_catalogue_is_one_of_the_schema() -> None:
    for name, fields in CATALOGUE.items():
        kind = SCHEMA.graphql.type_map[name]
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        assert fields <= kind.fields.keys(), name


def test_no_field_of_the_catalogue_counts_what_is_left_or_belongs_to_somebody() -> None:
    fields = [field for found in CATALOGUE.values() for field in found]
    assert not [field for field in fields if any(word in field for word in NEVER)]


def test_one_other_field_is_enough() -> None:
    title = Coordinate("Movie", "title", deprecated=False)
    assert is_catalogue({title})
    assert not is_catalogue({title, Coordinate("Session", "seatsAvailable", deprecated=False)})
    assert not is_catalogue({title, Coordinate("User", "email", deprecated=False)})
