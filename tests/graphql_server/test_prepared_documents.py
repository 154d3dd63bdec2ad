"""Documents are prepared once, and what is remembered of them has its bounds."""

from dataclasses import replace

import pytest
from graphql import ASTValidationRule, DocumentNode, GraphQLSchema, build_schema, specified_rules

from config.limits import RequestLimits
from errors import QueryTooCostly
from graphql_server.document_validation import MOST_FAULTS
from graphql_server.prepared_documents import DocumentCache, Documents, Prepared, prepare
from tests.support.graphql_client import GraphQL

SMALL = build_schema("type Query { a(b: String): Query }")
LIMITS = RequestLimits.from_env({})
NOTHING = Prepared(DocumentNode(definitions=()), [])


def test_a_shelf_finds_what_it_keeps() -> None:
    cache = DocumentCache()
    cache.keep("a", NOTHING)
    assert cache.find("a") is NOTHING
    assert cache.find("b") is None


def test_a_shelf_lets_go_of_what_nobody_asked_for_the_longest() -> None:
    cache = DocumentCache(room=10)
    for text in ("aaaa", "bbbb"):
        cache.keep(text, NOTHING)
    cache.find("aaaa")
    cache.keep("cccc", NOTHING)
    assert [cache.find(text) for text in ("aaaa", "bbbb", "cccc")] == [NOTHING, None, NOTHING]


def test_a_shelf_does_not_keep_a_text_that_is_too_long() -> None:
    cache = DocumentCache(longest=3)
    cache.keep("aaaa", NOTHING)
    assert cache.find("aaaa") is None


def test_keeping_a_text_twice_takes_its_room_once() -> None:
    cache = DocumentCache(room=10)
    for text in ("aaaa", "aaaa", "aaaa", "bbbb"):
        cache.keep(text, NOTHING)
    assert cache.find("aaaa") is cache.find("bbbb") is NOTHING


@pytest.mark.parametrize("text", ['{ a(b: "\\u0000") }', '{ a(b: "x\\u{0}") }', '{ a(b: """\0""") }'])
def test_a_string_with_nul_does_not_validate(text: str) -> None:
    assert [fault.message for fault in prepare(SMALL, text, (), LIMITS).faults] == [
        "A string must not contain the character NUL."
    ]


DEEP = "{" + "a{" * 1_000 + "a" + "}" * 1_001
LARGE = "{" + " a" * 10_000 + "}"


CHAINED = (
    "{ ...F0 }"
    + " ".join(f"fragment F{n} on Query {{ {'a { ' * 5} ...F{n + 1} {'}' * 5} }}" for n in range(98))
    + " fragment F98 on Query { __typename }"
)
CROWDED = (
    "{"
    + " ".join(f"...F{n}" for n in range(99))
    + "}"
    + " ".join(f"fragment F{n} on Query {{ {'a { __typename } ' * 10} }}" for n in range(99))
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DEEP, "more than 200 levels within each other, and 16 is the most (MATINEE_LIMIT_DEPTH)"),
        (CHAINED, "more than 200 levels within each other, and 16 is the most (MATINEE_LIMIT_DEPTH)"),
        (LARGE, "5001 tokens or more, and 5000 is the most (MATINEE_LIMIT_TOKENS)"),
        (CROWDED, "more than 30000 comparisons of fields, and 30000 is the most (MATINEE_LIMIT_COMPARISONS)"),
    ],
    ids=["deep", "deep by fragments", "large", "crowded"],
)
def test_refuses_a_document_that_is_too_deep_or_too_large_and_names_the_limit(text: str, found: str) -> None:
    with pytest.raises(QueryTooCostly) as refusal:
        prepare(SMALL, text, tuple(specified_rules), LIMITS)
    assert str(refusal.value).startswith(f"The document has {found}.")


def test_takes_as_many_fragments_as_a_page_of_components_has() -> None:
    fragments = " ".join(
        f"fragment F{n} on Query {{ {' '.join(f'a{m}: __typename' for m in range(8))} }}" for n in range(30)
    )
    text = f"{{ {' '.join(f'...F{n}' for n in range(30))} }} {fragments}"
    limits = replace(LIMITS, aliases=1000)
    assert prepare(SMALL, text, tuple(specified_rules), limits).faults == []


def test_tells_so_many_faults_and_no_more() -> None:
    text = "{" + " ".join(f"no{n}" for n in range(1000)) + "}"
    assert len(prepare(SMALL, text, tuple(specified_rules), LIMITS).faults) == MOST_FAULTS + 1


async def test_a_document_is_prepared_once(graphql: GraphQL, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []

    def counted(
        schema: GraphQLSchema, text: str, rules: tuple[type[ASTValidationRule], ...], limits: RequestLimits
    ) -> Prepared:
        prepared.append(text)
        return prepare(schema, text, rules, limits)

    monkeypatch.setattr(Documents, "cache", DocumentCache())
    monkeypatch.setattr("graphql_server.prepared_documents.prepare", counted)
    query = "query ($first: Int) { movies(first: $first) { totalCount } }"
    for first in (1, 2, 0):
        await graphql(query, {"first": first})
    assert prepared == [query]


async def test_the_faults_of_a_known_document_are_told_again(graphql: GraphQL) -> None:
    first, again = [await graphql("{ nothing }") for _ in range(2)]
    assert first.errors == again.errors
    assert first.codes == ["INVALID_INPUT"]
