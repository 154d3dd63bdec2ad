"""The catalogue's answers, however they are spelled: what can be used is, and what cannot harms nobody."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from errors import RouteNotFound, UpstreamUnavailable
from tests.support.third_party import Address, Behaviour, ThirdParty, saying, third_party
from upstreams.catalogue import LAST_PAGE, Catalogue, read_movie
from upstreams.metrics import UpstreamMetrics
from upstreams.resilience import Limits, Upstream

UUID = "57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"
MOVIE = {"title": "Zazie", "description": "A girl.", "genres": "Comedy", "uuid": UUID}
PAGE = {"count": 1, "next": None, "previous": None, "results": [MOVIE]}


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with third_party() as running:
        yield running


@pytest.fixture
def party(address: Address) -> ThirdParty:
    return address.taken_by_another()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    limits = replace(Limits(), deadline=0.5, attempts=3)
    made = Upstream(
        "catalogue", address="http://party.test", limits=limits, metrics=UpstreamMetrics(CollectorRegistry())
    )
    yield made
    await made.close()


def page(**given: Any) -> Behaviour:
    return saying(200, orjson.dumps(PAGE | given))


async def test_reads_list_under_results_or_data(upstream: Upstream, party: ThirdParty) -> None:
    as_documented = {name: value for name, value in PAGE.items() if name != "results"} | {"data": [MOVIE]}
    party.behaviours = [page(), saying(200, orjson.dumps(as_documented))]
    catalogue = Catalogue(party.url, upstream)

    assert (await catalogue.page(1)).movies == (await catalogue.page(1)).movies != []


async def test_requests_address_unchanged(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [page()]
    catalogue = Catalogue(f"{party.url}api/movies/", upstream)

    await catalogue.page(1)
    await catalogue.page(7)

    assert [str(request.url).removeprefix(party.url) for request in party.seen] == ["api/movies/", "api/movies/?page=7"]


@pytest.mark.parametrize(
    ("given", "genres", "description"),
    [
        ({"genres": "Comedy, Drama"}, ["Comedy", "Drama"], "A girl."),
        ({"genres": ""}, [], "A girl."),
        ({"genres": None}, [], "A girl."),
        ({"genres": ["Comedy", None, "Drama"]}, ["Comedy", "Drama"], "A girl."),
        ({"genres": 7, "description": None}, [], ""),
    ],
)
def test_accepts_any_genres_and_descriptions(given: dict[str, Any], genres: list[str], description: str) -> None:
    movie = read_movie(MOVIE | given)

    assert movie is not None
    assert (movie.genre_names, movie.description) == (genres, description)


def test_missing_description_and_genres_are_empty() -> None:
    movie = read_movie({"title": "Zazie", "uuid": UUID.upper()})

    assert movie is not None
    assert (movie.genres, movie.description, str(movie.uuid)) == ("", "", UUID)


@pytest.mark.parametrize(
    "row", [None, 5, "Zazie", [], {}, {"title": "Zazie"}, {"uuid": UUID}, MOVIE | {"uuid": "x"}, MOVIE | {"title": 5}]
)
async def test_skips_entry_that_cannot_be_used(upstream: Upstream, party: ThirdParty, row: Any) -> None:  # noqa: ANN401
    party.behaviours = [page(count=3, results=[MOVIE, row, MOVIE])]

    found = await Catalogue(party.url, upstream).slice(start=0, size=10)

    assert [place for place, _ in found.movies] == [0, 2]


@pytest.mark.parametrize(
    "behaviour",
    [
        saying(200, b"[]"),
        saying(200, b"null"),
        saying(200, b"{}"),
        page(count="many"),
        page(results=None),
        page(results={}),
        saying(204),
        saying(404, b"{}"),
        saying(400, b"{}"),
    ],
)
async def test_answer_without_page_is_unavailable(upstream: Upstream, party: ThirdParty, behaviour: Behaviour) -> None:
    party.behaviours = [behaviour]

    with pytest.raises(UpstreamUnavailable):
        await Catalogue(party.url, upstream).page(1)


async def test_page_beyond_last_is_not_found(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [saying(404, b"{}")]

    with pytest.raises(RouteNotFound):
        await Catalogue(party.url, upstream).page(9)
    assert len(party.seen) == 1


@pytest.mark.parametrize("number", [0, -1, LAST_PAGE + 1, 10**50])
async def test_sends_no_request_for_impossible_page(upstream: Upstream, party: ThirdParty, number: int) -> None:
    with pytest.raises(RouteNotFound):
        await Catalogue(party.url, upstream).page(number)
    assert party.seen == []


async def test_catalogue_without_address_is_unavailable(upstream: Upstream) -> None:
    with pytest.raises(UpstreamUnavailable):
        await Catalogue(None, upstream).page(1)


async def test_slice_of_catalogue_that_became_shorter_ends_earlier(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [page(count=25, results=[MOVIE] * 10, next="more"), saying(404)]

    found = await Catalogue(party.url, upstream).slice(start=0, size=30)

    assert len(found.movies) == 10
