"""GraphQL errors as clients see them: refusals with their code, mistakes in the document, and nothing of our insides."""

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import GraphQLError

from domain import errors
from domain.errors import Refusal
from schema.errors import flat


def formatted(found: Iterable[GraphQLError], *, reference: str) -> list[dict[str, Any]]:
    """Return the answer's `errors`; `reference` names the request in our log, where the rest of the story is."""
    return [shown for error in found for shown in each(error, reference)]


def each(error: GraphQLError, reference: str) -> Iterator[dict[str, Any]]:
    """Yield one entry for each refusal behind an error, or the error itself."""
    where = places(error)
    cause = refusals(error)
    for refusal in cause:
        yield {"message": str(refusal), **where, "extensions": {"code": refusal.code}}
    if cause:
        return
    if is_ours(error):
        masked = errors.Internal(reference=reference)
        yield {"message": str(masked), **where, "extensions": {"code": masked.code}}
        return
    yield {"message": error.message, **where, "extensions": {"code": errors.InvalidInput.code}}


def is_ours(error: GraphQLError) -> bool:
    """Return whether an error is a bug of ours: raised by a field, and neither a refusal nor the document's fault."""
    raised = error.original_error is not None and error.path is not None
    return raised and not isinstance(error.original_error, GraphQLError) and not refusals(error)


def places(error: GraphQLError) -> dict[str, Any]:
    """Return where in the document and in the answer an error belongs."""
    where: dict[str, Any] = {}
    if error.locations:
        where["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        where["path"] = list(error.path)
    return where


def refusals(error: GraphQLError) -> list[Refusal]:
    """Return the refusals behind an error, which may be wrapped more than once."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return flat(cause) if cause is not None else []
