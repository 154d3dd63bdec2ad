"""How tests speak GraphQL to the server under test."""

from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response

from db.models import User
from tests.support.factories import bearer


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, taken apart."""

    response: Response

    @property
    def data(self) -> Any:  # noqa: ANN401 - what the document asked for
        """The data of an answer that has no errors of its own."""
        body = self.response.json()
        assert "errors" not in body, body
        return body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The answer's own errors."""
        errors: list[dict[str, Any]] = self.response.json().get("errors", [])
        return errors

    @property
    def codes(self) -> list[str]:
        """The codes of the answer's own errors."""
        return [error["extensions"]["code"] for error in self.errors]


@dataclass(frozen=True, slots=True)
class GraphQL:
    """Sends documents."""

    client: AsyncClient

    async def __call__(
        self, document: str, variables: dict[str, Any] | None = None, *, by: User | None = None
    ) -> Answer:
        """Send a document, signed in as a user or as nobody."""
        body = {"query": document, "variables": variables}
        return Answer(await self.client.post("/graphql", json=body, headers=bearer(by) if by else {}))
