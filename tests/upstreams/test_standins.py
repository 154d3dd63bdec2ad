"""The stand-ins behave as the third parties do, badly included, and only where nobody else is configured."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from config.settings import Settings
from runtime.server import listen, serve_aside
from tests.support.factories import SECRET
from upstreams import standin_catalogue, standin_server
from upstreams.standin_server import serve_missing_standins
from upstreams.standins import Faults, StandIn, create_standins

LIST = "/catalogue/api/v1/maya/movies/"
AUTH = ("somebody", "a password")


@pytest.fixture
def told() -> Settings:
    """Settings without a database: nothing here needs one."""
    return Settings.from_env(
        {"MATINEE_SECRET": SECRET, "MATINEE_CATALOGUE_USER": AUTH[0], "MATINEE_CATALOGUE_PASSWORD": AUTH[1]}
    )


@pytest.fixture
def served(told: Settings) -> Iterator[httpx.Client]:
    """A client of faultless stand-ins."""
    app = create_standins(standin_server.make_standins(told, Faults()))
    with (
        listen("127.0.0.1", 0) as listener,
        serve_aside(app, listener),
        httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", auth=AUTH, timeout=1) as client,
    ):
        yield client


def test_catalogue_has_ten_movies_a_page(served: httpx.Client) -> None:
    pages: list[dict[str, Any]] = [served.get(LIST).json()]
    while pages[-1]["next"]:
        pages.append(served.get(pages[-1]["next"]).json())

    movies = [movie for page in pages for movie in page["results"]]
    assert {len(page["results"]) for page in pages[:-1]} == {10}
    assert len(movies) == len({UUID(movie["uuid"]) for movie in movies}) == pages[0]["count"] > 100
    assert pages[0]["previous"] is None
    assert served.get(pages[2]["previous"]).json() == pages[1]
    assert {type(movie["genres"]) for movie in movies} == {str}
    assert "" in {movie["genres"] for movie in movies}


@pytest.mark.parametrize("page", ["0", "-1", "x", "1000", "9" * 30, ""])
def test_page_out_of_range_is_not_found(served: httpx.Client, page: str) -> None:
    assert served.get(LIST, params={"page": page}).status_code == 404


@pytest.mark.parametrize("auth", [None, ("somebody", "else"), ("", ""), ("nobody", "a password")])
def test_refuses_caller_without_credentials(served: httpx.Client, auth: tuple[str, str] | None) -> None:
    served.auth = auth  # type: ignore[assignment]  # None is taken

    assert served.get(LIST).status_code == 401


def test_faults_can_be_changed_while_stand_in_runs(served: httpx.Client) -> None:
    assert served.put("/faults/catalogue", json={"error_rate": 1}).json()["error_rate"] == 1
    assert served.get(LIST).status_code in (500, 502, 503, 504)

    served.put("/faults/catalogue", json={"error_rate": 0, "latency_ms": 200})
    started = time.monotonic()
    assert served.get(LIST).status_code == 200
    assert time.monotonic() - started >= 0.2

    served.put("/faults/catalogue", json={"timeout_rate": 1})
    with pytest.raises(httpx.ReadTimeout):
        served.get(LIST, timeout=0.2)
    assert served.get("/faults/catalogue").json() == {"error_rate": 0, "timeout_rate": 1, "latency_ms": 200}


@pytest.mark.parametrize(
    "wrong", [{"error_rate": 2}, {"timeout_rate": 0.6, "error_rate": 0.6}, {"colour": 1}, [], {"latency_ms": "x"}]
)
def test_refuses_impossible_faults(served: httpx.Client, wrong: object) -> None:
    assert served.put("/faults/catalogue", json=wrong).status_code == 422
    assert served.get("/faults/nobody").status_code == 404
    assert served.get(LIST).status_code == 200


def test_faults_occur_at_their_rates(served: httpx.Client) -> None:
    served.put("/faults/catalogue", json={"error_rate": 0.3})

    wrong = sum(served.get(LIST).status_code >= 500 for _ in range(200))

    assert 40 <= wrong <= 80


def test_third_parties_without_address_have_stand_ins(told: Settings) -> None:
    with capture_logs() as lines, serve_missing_standins(told) as led:
        assert led.catalogue_url is not None
        httpx.put(urljoin(led.catalogue_url, "/faults/catalogue"), json={"error_rate": 0, "timeout_rate": 0})
        assert len(httpx.get(led.catalogue_url, auth=AUTH).json()["results"]) == 10

    everybody = ["MATINEE_CATALOGUE_URL", "MATINEE_CINEMAWORLD_URL", "MATINEE_FILMWORLD_URL"]
    assert [line["missing"] for line in lines if "stand-ins" in line["event"]] == [everybody]


def test_generated_credentials_are_new_each_time_and_never_logged(told: Settings) -> None:
    bare = replace(told, catalogue_user=None, catalogue_password=None)

    with capture_logs() as lines, serve_missing_standins(bare) as first, serve_missing_standins(bare) as second:
        assert first.catalogue_password != second.catalogue_password
        assert str(first.catalogue_password) not in str(lines)


def test_configured_third_party_has_no_stand_in(told: Settings) -> None:
    configured = replace(
        told,
        catalogue_url="https://catalogue.test/",
        cinemaworld_url="https://cinemaworld.test",
        filmworld_url="https://filmworld.test",
    )

    with serve_missing_standins(configured) as led:
        assert led is configured


def test_production_has_no_stand_ins(told: Settings) -> None:
    production = replace(told, environment="production")

    with capture_logs() as lines, serve_missing_standins(production) as led:
        assert led is production

    assert [line["log_level"] for line in lines] == ["warning"]


@pytest.mark.parametrize("name", ["cinemaworld", "filmworld"])
def test_price_providers_require_token(served: httpx.Client, name: str) -> None:
    assert served.get(f"/{name}/movies").status_code == 401
    assert served.get(f"/{name}/movies", headers={"x-access-token": "matinee"}).status_code == 200


def test_price_providers_answer_in_both_shapes(served: httpx.Client) -> None:
    served.headers["x-access-token"] = "matinee"
    capitalised = served.get("/cinemaworld/movies").json()["Movies"]
    bare = served.get("/filmworld/movies").json()

    assert len(bare) > len(capitalised) > 30
    assert not any("Price" in movie for movie in capitalised)
    detail = served.get(f"/cinemaworld/movies/{capitalised[0]['ID']}").json()
    assert isinstance(detail["Price"], str)
    assert {type(movie["price"]) for movie in bare} == {float, type(None)}
    tails = {movie["ID"][2:] for movie in capitalised}
    assert tails & {movie["id"][2:] for movie in bare}
    assert served.get("/filmworld/movies/nothing").status_code == 404


@pytest.mark.parametrize("name", ["cinemaworld", "filmworld"])
def test_published_movie_is_listed(served: httpx.Client, name: str) -> None:
    served.headers["x-access-token"] = "matinee"
    made = served.post(f"/{name}/movie", json={"title": "New", "body": "!", "price": 24.1})

    assert made.status_code == 201
    detail = served.get(f"/{name}/movies/{made.json()['id']}").json()
    assert {str(key).lower(): value for key, value in detail.items()}["price"] == 24.1


def test_more_stand_ins_can_be_mounted(told: Settings) -> None:
    other = StandIn("other", [], lambda _: True)
    app = create_standins([*standin_server.make_standins(told, Faults()), other])

    assert {route.path for route in app.routes} >= {"/catalogue", "/other"}  # type: ignore[attr-defined]
    assert standin_catalogue.NAME == "catalogue"
