"""Fields are counted by name for each operation that asks for them, deprecated ones with a mark."""

from graphql import GraphQLSchema, build_schema, parse
from httpx import AsyncClient
from prometheus_client import CollectorRegistry

from graphql_server.field_usage import collect_used_fields, list_deprecated_fields
from runtime.batched_counts import Publisher
from runtime.metrics import Coordinate, UsageMetrics
from tests.support.graphql_client import GraphQL

SCHEMA = build_schema("""
    interface Named { name: String }
    type Query { film: Film movie: Film @deprecated(reason: "Ask for film.") named: [Named!]! }
    type Film implements Named { name: String title: String @deprecated director: Person }
    type Person implements Named { name: String films: [Film!]! }
""")


def asked(document: str, operation: str | None = None, *, schema: GraphQLSchema = SCHEMA) -> set[str]:
    """Return the fields that an operation asks for; a deprecated one ends with a cross."""
    found = collect_used_fields(schema, parse(document), operation=operation)
    return {f"{each.type}.{each.field}{'†' * each.deprecated}" for each in found}


def test_finds_the_fields_of_an_operation_on_their_types() -> None:
    assert asked("{ film { name director { name } } movie { title } }") == {
        "Query.film",
        "Film.name",
        "Film.director",
        "Person.name",
        "Query.movie†",
        "Film.title†",
    }


def test_looks_into_fragments_and_through_aliases() -> None:
    document = "{ a: named { ...N ... on Person { films { ...F } } } } fragment N on Named { name } fragment F on Film { b: title }"
    assert asked(document) == {"Query.named", "Named.name", "Person.films", "Film.title†"}


def test_counts_nothing_of_the_operations_beside_it() -> None:
    document = "query A { film { ...F } } query B { named { name } } fragment F on Film { name }"
    assert asked(document, "B") == {"Query.named", "Named.name"}


def test_introspection_is_none_of_our_fields() -> None:
    assert asked("{ __typename __schema { types { name } } film { __typename } }") == {"Query.film"}


def test_fragments_that_double_are_looked_into_once() -> None:
    doubling = "".join(f"fragment F{n} on Film {{ ...F{n + 1} ...F{n + 1} }} " for n in range(60))
    assert asked(f"{{ film {{ ...F0 }} }} {doubling} fragment F60 on Film {{ name }}") == {"Query.film", "Film.name"}


def test_lists_what_is_deprecated() -> None:
    assert {f"{each.type}.{each.field}" for each in list_deprecated_fields(SCHEMA)} == {"Query.movie", "Film.title"}


# In /metrics

TITLE = Coordinate("Film", "title", deprecated=True)
NAME = Coordinate("Film", "name", deprecated=False)


def shown(registry: CollectorRegistry, each: Coordinate) -> float | None:
    labels = {"type": each.type, "field": each.field, "deprecated": str(each.deprecated).lower()}
    return registry.get_sample_value("matinee_graphql_field_requests_total", labels)


async def test_a_deprecated_field_is_shown_before_anybody_asks_for_it() -> None:
    registry = CollectorRegistry()
    UsageMetrics(registry, Publisher()).add_series([TITLE])
    assert shown(registry, TITLE) == 0
    assert shown(registry, NAME) is None


async def test_runs_are_told_together() -> None:
    registry = CollectorRegistry()
    publisher = Publisher()
    usage = UsageMetrics(registry, publisher)
    both, one = frozenset({TITLE, NAME}), frozenset({NAME})
    for fields in (both, both, one):
        usage.count(fields)
    assert shown(registry, NAME) == 0
    publisher.publish_all()
    assert (shown(registry, NAME), shown(registry, TITLE)) == (3, 2)
    usage.count(one)
    publisher.publish_all()
    assert (shown(registry, NAME), shown(registry, TITLE)) == (4, 2)


async def test_what_nobody_remembers_takes_no_memory() -> None:
    publisher = Publisher()
    usage = UsageMetrics(CollectorRegistry(), publisher)
    for number in range(10):
        usage.count(frozenset({Coordinate("Query", f"f{number}", deprecated=False)}))
    publisher.publish_all()
    assert len(usage._counts) == 0  # noqa: SLF001 - it has no other face


async def requests(client: AsyncClient, field: str) -> float:
    """Return what /metrics says of a field."""
    kind, name = field.split(".")
    line = f'matinee_graphql_field_requests_total{{deprecated="false",field="{name}",type="{kind}"}} '
    found = [each for each in (await client.get("/metrics")).text.splitlines() if each.startswith(line)]
    return float(found[0].removeprefix(line)) if found else 0.0


async def test_metrics_tell_of_operations_that_ran(client: AsyncClient, graphql: GraphQL) -> None:
    for _ in range(3):
        await graphql("{ movies { nodes { title } } }")
    await graphql("{ movies { totalCount } }")
    await graphql("{ movies { nothing } }")
    assert await requests(client, "Query.movies") == 4
    assert await requests(client, "Movie.title") == 3
    assert await requests(client, "MovieConnection.totalCount") == 1
    assert "nothing" not in (await client.get("/metrics")).text
