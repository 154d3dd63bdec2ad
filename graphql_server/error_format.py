"""GraphQL errors as clients see them: refusals with their code, mistakes in the document, and nothing of our insides."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

import errors
from errors import Refusal, flatten_refusals

# A mistake quotes the document, which may be a mebibyte long.
LONGEST: Final = 500
# What graphql-core adds to a mistake, wherever in the message: names of the schema, or signs that were meant.
SUGGESTION: Final = re.compile(
    r" Did you mean (?:[a-z ]+ )?'\w+(?: \{ \.{3} \})?'(?:,? (?:or )?'\w+')*\?"
    r"|, did you mean (?:'\.{3}'|'0\.\d+'|to use a double quote \(\"\))\?"
)
# What is wrong with the request, in graphql-core's words and in Strawberry's.
THEIRS: Final = (GraphQLError, CannotGetOperationTypeError, InvalidOperationTypeError)
UNFIT: Final = "A value does not fit the type that is expected here."


def format_errors(found: Iterable[GraphQLError], *, reference: str, tells_names: bool = False) -> list[dict[str, Any]]:
    """Return the answer's `errors`; `reference` names the request in our log, where the rest of the story is.

    Names of the schema that are near a mistaken one are suggested only where `tells_names` says so.
    """
    return [entry for error in found for entry in format_error(error, reference, tells_names=tells_names)]


def format_error(error: GraphQLError, reference: str, *, tells_names: bool) -> Iterator[dict[str, Any]]:
    """Yield one entry for each refusal behind an error, or the error itself."""
    where = locate(error)
    cause = find_refusals(error)
    for refusal in cause:
        yield {"message": str(refusal), **where, "extensions": {"code": refusal.code}}
    if cause:
        return
    if is_bug(error):
        masked = errors.Internal(reference=reference)
        yield {"message": str(masked), **where, "extensions": {"code": masked.code}}
        return
    # What Python says of a value (the digits of a number, say) is none of the client's business.
    foreign = error.original_error is not None and not isinstance(error.original_error, GraphQLError)
    message = UNFIT if foreign else error.message if tells_names else SUGGESTION.sub("", error.message)
    yield {"message": message[:LONGEST], **where, "extensions": {"code": errors.InvalidInput.code}}


def is_bug(error: GraphQLError) -> bool:
    """Return whether an error is a bug of ours: raised by a field, or by nothing that is in the document."""
    if error.original_error is None or isinstance(error.original_error, THEIRS) or find_refusals(error):
        return False
    return error.path is not None or not error.locations


def locate(error: GraphQLError) -> dict[str, Any]:
    """Return where in the document and in the answer an error belongs."""
    where: dict[str, Any] = {}
    if error.locations:
        where["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        where["path"] = list(error.path)
    return where


def find_refusals(error: GraphQLError) -> list[Refusal]:
    """Return the refusals behind an error, which may be wrapped more than once."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return flatten_refusals(cause) if cause is not None else []
