"""The contract pages state every REST endpoint: its path, its fields, its answers and its refusals."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel

from rest.cinema.endpoints import ENDPOINTS as CINEMA
from rest.collections.endpoints import ENDPOINTS as COLLECTIONS
from rest.counter.endpoints import ENDPOINTS as COUNTER
from rest.endpoint import Endpoint
from rest.events.endpoints import ENDPOINTS as EVENTS
from rest.payloads import list_names
from rest.prices.endpoints import ENDPOINTS as PRICES
from tests.support.pages import ROOT

SURFACES: Final = {
    "cinema": CINEMA,
    "collections": COLLECTIONS,
    "counter": COUNTER,
    "events": EVENTS,
    "prices": PRICES,
}
# Surfaces with error shapes of their own answer no codes.
WITHOUT_CODES: Final = ("counter", "events")
CASES: Final = [(surface, endpoint) for surface, endpoints in SURFACES.items() for endpoint in endpoints]
DECLARED: Final = re.compile(r"^### `([A-Z]+ \S+)`$", re.MULTILINE)


def read_page(surface: str) -> str:
    """Return the contract page of a surface."""
    return (ROOT / "docs/contract" / f"{surface}.md").read_text(encoding="utf-8")


def list_answer_names(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - any type that an answer is declared with
    """Yield the names of all fields of an answer, those of the objects in it too."""
    for name, field in getattr(annotation, "__annotations__", {}).items():
        yield name
        yield from list_answer_names(field)
    for argument in getattr(annotation, "__args__", ()):
        yield from list_answer_names(argument)
    yield from list_answer_names(annotation.__origin__) if hasattr(annotation, "__metadata__") else ()


def list_fields(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names that callers write, those of the objects in a body too."""
    yield from (name for name in list_names(model) if name != "show_timing")
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from list_fields(field.annotation)


@pytest.mark.parametrize("surface", SURFACES)
def test_states_the_endpoints_of_the_surface_and_no_others(surface: str) -> None:
    declared = {f"{endpoint.method} {endpoint.path}" for endpoint in SURFACES[surface]}
    assert set(DECLARED.findall(read_page(surface))) == declared


@pytest.mark.parametrize(("surface", "endpoint"), CASES, ids=[f"{each.method} {each.path}" for _, each in CASES])
def test_states_fields_statuses_and_codes_of_an_endpoint(surface: str, endpoint: Endpoint[Any]) -> None:
    page, common = read_page(surface), read_page("README")
    section = page.split(f"### `{endpoint.method} {endpoint.path}`\n")[1].split("\n### ")[0]
    answered = {name for answer in endpoint.answers.values() for name in list_answer_names(answer)}
    for name in {*list_fields(endpoint.takes), *answered}:
        assert re.search(rf"\b{name}\b", page + common), name
    for status in endpoint.answers:
        assert str(status) in section, status
    for refusal in () if surface in WITHOUT_CODES else endpoint.refusals:
        assert f"`{refusal.code.lower()}`" in page + common, refusal.code
