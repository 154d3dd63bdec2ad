"""What engines that turn GraphQL into SQL have got wrong, tried here."""

from dataclasses import replace
from typing import Final

import pytest

from config.settings import Settings
from tests.graphql_server.planner.both import Both, both
from tests.graphql_server.planner.house import House

# PostgreSQL cuts names at 63 bytes.
LONG_ALIASES: Final = [f"{'a' * 69}{letter}" for letter in "bc"]


@pytest.mark.usefixtures("house")
async def test_keeps_apart_the_aliases_of_one_field_with_other_arguments_at_two_depths(ask: Both) -> None:
    document = """{
        best: movies(first: 2) { nodes {
            one: sessions(first: 1) { nodes { startsAt } } two: sessions(last: 2) { nodes { startsAt } }
        } }
        newest: movies(first: 3, sort: NEW) { nodes { title } }
    }"""
    answer = await ask.ask(document)
    first = answer["data"]["best"]["nodes"][0]
    assert len(first["one"]["nodes"]) == 1
    assert first["one"] != first["two"]
    assert len(answer["data"]["newest"]["nodes"]) == 3


async def test_merges_the_selections_of_one_key_from_several_fragments(ask: Both, house: House) -> None:
    document = """query ($id: ID!) {
        node(id: $id) { ...A ...B ... on Node { id } ... on Place { name } }
    }
    fragment A on Movie { sessions { nodes { id } pageInfo { hasNextPage } } airingDates { from } }
    fragment B on Node { ... on Movie { sessions { nodes { startsAt place { name } } pageInfo { endCursor } }
        airingDates { to from } title } }"""
    answer = await ask.ask(document, {"id": house.movies[0]})
    shown = answer["data"]["node"]
    assert list(shown) == ["sessions", "airingDates", "title", "id"]
    assert list(shown["sessions"]["nodes"][0]) == ["id", "startsAt", "place"]


@pytest.mark.usefixtures("house")
async def test_obeys_conditions_by_each_requests_own_variables(ask: Both) -> None:
    document = """query ($yes: Boolean!) {
        movies(first: 1) { nodes { id title @include(if: $yes) ...Rest @skip(if: $yes) } }
    }
    fragment Rest on Movie { duration }"""
    keys = [list((await ask.ask(document, {"yes": yes}))["data"]["movies"]["nodes"][0]) for yes in (True, False, True)]
    assert keys == [["id", "title"], ["id", "duration"], ["id", "title"]]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("number", [51, 140, 1_700])
async def test_takes_more_fields_than_functions_take_arguments(settings: Settings, number: int) -> None:
    generous = replace(settings.limits, aliases=2_000, tokens=20_000)
    fields = " ".join(f"f{place}: title" for place in range(number))
    async with both(replace(settings, limits=generous)) as ask:
        answer = await ask.ask(f"{{ movies(first: 2) {{ nodes {{ {fields} }} }} }}")
    assert len(answer["data"]["movies"]["nodes"][0]) == number


@pytest.mark.usefixtures("house")
async def test_keeps_apart_long_aliases_that_differ_at_the_end_six_levels_deep(ask: Both) -> None:
    inner = "id"
    for level in ("places", "movies", "places", "movies"):
        inner = " ".join(
            f"{alias}: {level}(first: {size}) {{ nodes {{ {inner} }} }}" for size, alias in enumerate(LONG_ALIASES, 1)
        )
    answer = await ask.ask(f"{{ {inner} }}")
    assert list(answer["data"]) == LONG_ALIASES
