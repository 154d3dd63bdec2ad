"""The planner and the executor answer the same to whatever can be asked."""

import json
import os
import re
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from graphql_server.planner import run
from tests.graphql_server.planner.both import Both
from tests.graphql_server.planner.documents import Written, documents
from tests.graphql_server.planner.house import House

# As many as one wants to wait for.
NUMBER: Final = int(os.environ.get("MATINEE_TEST_DOCUMENTS", "60"))
PROGRAMME: Final = ("movies", "movie", "places", "place", "sessions", "session", "node", "nodes")
OWN: Final = ("viewer", "viewer", "booking", "events", "event", "ticket", "pageViews", "node", "nodes")
PLACEHOLDER: Final = re.compile(r"@(\w+)\.(\d+)")


def made(roots: tuple[str, ...], *, number: int) -> list[Written]:
    """Return documents, the same ones in every run."""
    found: list[Written] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(documents(roots))
    def note(written: Written) -> None:
        found.append(written)

    note()
    return found


def filled_in(house: House, text: str) -> str:
    """Return a text with ids in the place of placeholders."""

    def identity(found: re.Match[str]) -> str:
        ids: list[str] = getattr(house, found[1])
        return ids[int(found[2]) % len(ids)]

    return PLACEHOLDER.sub(identity, text)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a plan had the answer, for each operation that had a plan."""
    seen: list[bool] = []
    run_bound = run.run_bound

    async def noted(*given: Any) -> Any:  # noqa: ANN401 - as it is
        found = await run_bound(*given)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(run, "run_bound", noted)
    return seen


async def test_any_document_of_the_programme_is_answered_alike(ask: Both, house: House, planned: list[bool]) -> None:
    for written in made(PROGRAMME, number=NUMBER):
        variables: dict[str, Any] = json.loads(filled_in(house, json.dumps(written.variables)))
        await ask.ask(filled_in(house, written.text), variables, by=house.viewer)
    # The others have an argument that is refused.
    assert len(planned) > 0.6 * NUMBER
    assert all(planned)


async def test_any_document_of_what_belongs_to_somebody_is_answered_alike(
    ask: Both, house: House, planned: list[bool]
) -> None:
    callers = (house.viewer, house.clerk, house.viewer, None)
    for number, written in enumerate(made(OWN, number=NUMBER)):
        variables: dict[str, Any] = json.loads(filled_in(house, json.dumps(written.variables)))
        await ask.ask(filled_in(house, written.text), variables, by=callers[number % len(callers)])
    assert sum(planned) > 0.5 * NUMBER
