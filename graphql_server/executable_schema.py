"""The executable schema, made once for all requests."""

from functools import cache
from typing import Any, Final

import strawberry
import structlog
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphql_server import error_format
from graphql_server.plain_fields import Execution, shorten_plain_fields
from graphql_server.prepared_documents import Documents
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription
from schema.user_error import Conflict, InvalidInput, NotFound, SeatsUnavailable, UpstreamUnavailable

log = structlog.get_logger("matinee.graphql")


class Schema(strawberry.Schema):
    """Strawberry's schema with cheap plain fields; it logs unexpected errors in our own format."""

    def __init__(self, **given: Any) -> None:
        """Make the schema."""
        super().__init__(execution_context_class=Execution, **given)
        shorten_plain_fields(self._schema)

    @property
    def graphql(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], _execution_context: ExecutionContext | None = None) -> None:
        """Log the errors that are bugs; refusals are not logged."""
        for error in errors:
            if error_format.is_bug(error):
                log.error("unexpected error", path=error.path, exc_info=error.original_error)


SCHEMA = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[InvalidInput, NotFound, Conflict, SeatsUnavailable, UpstreamUnavailable],
    extensions=[Documents],
    config=StrawberryConfig(scalar_map=SCALARS),
)

# As graphql-core has it.
GRAPHQL: Final = SCHEMA.graphql


@cache
def format_sdl() -> str:
    """Return the contract in the schema definition language."""
    return SCHEMA.as_str().rstrip() + "\n"
