"""A variable that does not fit is named by its path, in plain words."""

from typing import Any

import pytest

from tests.support.graphql_client import GraphQL

SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { errors { code } } }"
MOVIE = "mutation ($input: CreateMovieInput!) { createMovie(input: $input) { errors { code } } }"
MOVIES = """query ($sort: MovieSort!, $filter: MovieFilter, $first: Int) {
    movies(sort: $sort, filter: $filter, first: $first) { totalCount }
}"""
ADA = {"identity": {"email": "ada@example.org"}, "password": "correct horse"}
GOOD_MOVIE = {"title": "t", "description": "d", "poster": "/p", "duration": 1}


@pytest.mark.parametrize(
    ("document", "variables", "messages"),
    [
        (SIGN_UP, {}, ["`input` is missing."]),
        (SIGN_UP, {"input": None}, ["`input` must not be null."]),
        (SIGN_UP, {"input": []}, ["`input` must be an object."]),
        (SIGN_UP, {"input": "x"}, ["`input` must be an object."]),
        (SIGN_UP, {"input": {**ADA, "identity": {"email": {"title": 5}}}}, ["`input.identity.email` must be a text."]),
        (SIGN_UP, {"input": {**ADA, "password": None}}, ["`input.password` must not be null."]),
        (SIGN_UP, {"input": {"identity": ADA["identity"]}}, ["`input.password` is missing."]),
        (SIGN_UP, {"input": {**ADA, "admin": True}}, ["`input.admin` is not a field of SignUpInput."]),
        (
            SIGN_UP,
            {"input": {**ADA, "identity": {}}},
            ["`input.identity` must have exactly one of `email` or `username`, and not null."],
        ),
        (
            SIGN_UP,
            {"input": {**ADA, "identity": {"email": None}}},
            ["`input.identity` must have exactly one of `email` or `username`, and not null."],
        ),
        (
            MOVIE,
            {"input": {**GOOD_MOVIE, "duration": "1", "genres": ["a", None, 3]}},
            [
                "`input.duration` must be a whole number of at most 32 bits.",
                "`input.genres.1` must not be null.",
                "`input.genres.2` must be a text.",
            ],
        ),
        (MOVIES, {"sort": "BEST"}, ["`sort` must be a value of MovieSort."]),
        (MOVIES, {"sort": "NEW", "first": 2**31}, ["`first` must be a whole number of at most 32 bits."]),
        (
            MOVIES,
            {"sort": "NEW", "filter": {"airingFrom": "tomorrow"}},
            ["`filter.airingFrom` must be an ISO 8601 instant with an offset or Z, such as 2026-11-20T18:30:00Z."],
        ),
    ],
)
async def test_names_path_of_each_variable_that_does_not_fit(
    graphql: GraphQL, document: str, variables: dict[str, Any], messages: list[str]
) -> None:
    answer = await graphql(document, variables)
    assert [error["message"] for error in answer.errors] == messages
    assert all(error["locations"] for error in answer.errors)
    assert "data" not in answer.response.json()


async def test_names_at_most_ten_faults(graphql: GraphQL) -> None:
    variables = {"input": {**GOOD_MOVIE, "genres": [None] * 50}}
    assert len((await graphql(MOVIE, variables)).errors) == 10
