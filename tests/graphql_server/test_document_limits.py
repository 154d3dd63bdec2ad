"""What a document may hold: counted once for each fragment, and refused before anything slow looks at it."""

from dataclasses import replace

import pytest
from graphql import get_introspection_query, parse
from httpx import AsyncClient

from config.limits import RequestLimits
from errors import QueryTooCostly
from graphql_server.document_limits import check
from tests.support.graphql_client import GraphQL

LIMITS = RequestLimits.from_env({})
FEW = replace(
    LIMITS,
    depth=3,
    aliases=3,
    directives=3,
    directives_here=2,
    repeats=3,
    operations=3,
    fragments=3,
    mutations=3,
)
WITHIN = {
    "depth": "{ a { b { c } } }",
    "depth by a fragment": "{ a { ...B } } fragment B on Q { b { c } }",
    "depth beside": "{ a { b { c } } d { e { f } } }",
    "aliases": "{ x: a y: a z: a }",
    "aliases of two operations": "query A { x: a y: a } query B { x: a y: a }",
    "directives": "{ a @skip(if: $x) b @skip(if: $x) c @skip(if: $x) }",
    "directives in one place": "{ a @skip(if: $x) @include(if: $x) }",
    "repeats": "{ a a a }",
    "repeats for different types": "{ ... on A { a a } ... on B { a a } }",
    "operations": "query A { a } query B { a } query C { a }",
    "fragments": "{ ...A ...B ...C } fragment A on Q { a } fragment B on Q { a } fragment C on Q { a }",
    "mutations": "mutation { a b c }",
    "fields of a query are no mutations": "query { a b c d e }",
}
OVER = {
    "depth": ("{ a { b { c { d } } } }", "4 fields within each other", "DEPTH"),
    "depth by a fragment": ("{ a { ...B } } fragment B on Q { b { c { d } } }", "4 fields within each other", "DEPTH"),
    "depth in place": ("{ a { ... { b { ... { c { d } } } } } }", "4 fields within each other", "DEPTH"),
    "aliases": ("{ w: a x: a y: a z: a }", "4 aliases in one operation", "ALIASES"),
    "aliases of a fragment that is spread twice": (
        "{ ...A b { ...A } } fragment A on Q { x: a y: a }",
        "4 aliases in one operation",
        "ALIASES",
    ),
    "directives": ("{ a @x b @x c @x d @x }", "4 directives", "DIRECTIVES"),
    "directives of all kinds of places": (
        "query ($a: Int @x) @x { ...A @x } fragment A on Q @x { a }",
        "4 directives",
        "DIRECTIVES",
    ),
    "directives in one place": ("{ a @x @x @x }", "3 directives in one place", "DIRECTIVES_HERE"),
    "repeats": ("{ a a a a }", "4 times `a` in one selection", "REPEATS"),
    "repeated aliases": ("{ a: b a: b a: b a: b }", "4 times `a` in one selection", "REPEATS"),
    "repeats below": ("{ a { b b b b } }", "4 times `b` in one selection", "REPEATS"),
    "repeats in place": ("{ a ... { a ... { a a } } }", "4 times `a` in one selection", "REPEATS"),
    "repeated fragments": (
        "{ ...A ...A ...A ...A } fragment A on Q { a }",
        "4 times `...A` in one selection",
        "REPEATS",
    ),
    "repeats in a fragment that nobody spreads": (
        "{ a } fragment A on Q { a a a a }",
        "4 times `a` in one selection",
        "REPEATS",
    ),
    "operations": ("query A { a } query B { a } query C { a } query D { a }", "4 operations", "OPERATIONS"),
    "fragments": (
        "{ a } fragment A on Q { a } fragment B on Q { a } fragment C on Q { a } fragment D on Q { a }",
        "4 fragments",
        "FRAGMENTS",
    ),
    "mutations": ("mutation { a b c d }", "4 mutations in one operation", "MUTATIONS"),
    "mutations by a fragment": (
        "mutation { ...A ...A } fragment A on M { a b }",
        "4 mutations in one operation",
        "MUTATIONS",
    ),
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN)
def test_takes_as_much_as_the_limit(text: str) -> None:
    check(parse(text), FEW)


@pytest.mark.parametrize(("text", "found", "variable"), OVER.values(), ids=OVER)
def test_refuses_one_more_and_names_the_limit(text: str, found: str, variable: str) -> None:
    with pytest.raises(QueryTooCostly) as refusal:
        check(parse(text), FEW)
    limit = 2 if variable == "DIRECTIVES_HERE" else 3
    assert str(refusal.value) == (
        f"The document has {found}, and {limit} is the most (MATINEE_LIMIT_{variable}). "
        "Ask for less, or in several requests."
    )


def doubling(fragments: int, inner: str, last: str) -> str:
    """Return a document each of whose fragments spreads the next one twice."""
    chain = (f"fragment F{n} on Query {{ {inner.replace('NEXT', f'...F{n + 1}')} }}" for n in range(fragments))
    return "{ ...F0 } " + " ".join(chain) + f" fragment F{fragments} on Query {{ {last} }}"


def test_fragments_that_double_are_looked_at_once_each() -> None:
    # 2^90 times: would each spread be followed, this test would never end.
    with pytest.raises(QueryTooCostly, match="more than 1000000000 aliases"):
        check(parse(doubling(90, "NEXT NEXT", "x: __typename")), LIMITS)
    check(parse(doubling(90, "NEXT NEXT", "__typename")), LIMITS)


@pytest.mark.parametrize(
    "text", ["{ ...A } fragment A on Q { ...A }", "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ...A }"]
)
def test_leaves_fragments_in_a_circle_to_validation(text: str) -> None:
    check(parse(text), LIMITS)


def test_introspection_is_within_the_limits() -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    check(parse(query, max_tokens=LIMITS.tokens), LIMITS)


ENDS = {
    "tokens": "{" + " __typename" * 5_000 + "}",
    "characters": "{ __typename }" + " " * 100_000,
    "aliases": "{" + " ".join(f"a{n}: __typename" for n in range(51)) + "}",
    "root fields by alias": "mutation {"
    + " ".join(f"a{n}: requestMovieExport {{ errors {{ code }} }}" for n in range(11))
    + "}",
    "doubling aliases": doubling(45, "NEXT NEXT", "x: __typename"),
    "doubling lists": doubling(45, "NEXT NEXT", "movies { nodes { id } }"),
}


@pytest.mark.parametrize("query", ENDS.values(), ids=ENDS)
async def test_a_document_over_a_limit_does_not_run(client: AsyncClient, query: str) -> None:
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        answer = await client.post("/graphql", json={"query": query}, headers={"Accept": accept})
        assert answer.status_code == status
        assert answer.json().keys() == {"errors"}
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["QUERY_TOO_COSTLY"]
        assert "(MATINEE_LIMIT_" in answer.json()["errors"][0]["message"]


async def test_as_many_fragments_as_may_be_can_be_within_each_other(graphql: GraphQL) -> None:
    assert (await graphql(doubling(LIMITS.fragments - 1, "NEXT", "__typename"))).data == {"__typename": "Query"}


async def test_doubling_fragments_are_answered_where_they_come_to_little(graphql: GraphQL) -> None:
    answer = await graphql(doubling(45, "NEXT NEXT", "__typename"))
    assert answer.data == {"__typename": "Query"}
