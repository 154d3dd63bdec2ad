"""Which document a request means, and whether it may run: by the id of a registered one, or in its own words."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import structlog

from domain.trusted_document import digest
from edge.services import Services
from errors import Forbidden, InvalidInput, MissingField
from web import storefront

# A prefixed document identifier of GraphQL over HTTP, appendix A.
IDENTIFIER: Final = re.compile(r"sha256:([0-9a-f]{64})")
APOLLO: Final = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger("matinee.graphql")


def identified(given: Mapping[str, Any]) -> str | None:
    """Return the hash that a request names its document by, None where it brings the document itself.

    Raise InvalidInput where the name is malformed, or where a document comes along that is another one.
    """
    identifier = given.get("documentId")
    if identifier is None:
        return _apollos(given)
    if given.get("query") is not None:
        raise InvalidInput(field="documentId", problem="stands in place of `query`; leave one of them out")
    found = IDENTIFIER.fullmatch(identifier) if isinstance(identifier, str) else None
    if found is None:
        problem = "must be `sha256:` and the SHA-256 of the document in 64 lower-case hexadecimal digits"
        raise InvalidInput(field="documentId", problem=problem)
    return found[1]


def _apollos(given: Mapping[str, Any]) -> str | None:
    extensions = given.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    field = "extensions.persistedQuery"
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not (isinstance(found, str) and APOLLO.fullmatch(found)):
        raise InvalidInput(field=field, problem="must have a `sha256Hash` of 64 lower-case hexadecimal digits")
    query = given.get("query")
    if isinstance(query, str) and digest(query) != found:
        raise InvalidInput(field=field, problem="has the hash of another document than `query`")
    return None if isinstance(query, str) else found


async def admitted(services: Services, *, query: str | None, document: str | None) -> str:
    """Return the text to run; `document` is the hash of a registered one.

    Raise InvalidInput where none is registered under it, Forbidden where only registered ones run and this is none.
    """
    if document is not None:
        return await _registered(services, document)
    if query is None:
        raise MissingField(field="query")
    if services.settings.documents == "off":
        return query
    hashed = digest(query)
    if await _known(services, hashed) is not None:
        services.usage_metrics.document("registered")
    elif services.settings.documents == "enforce":
        services.usage_metrics.document("refused")
        raise Forbidden(whom="registered documents")
    else:
        services.usage_metrics.document("unregistered")
        log.warning("unregistered document", document=f"sha256:{hashed}")
    return query


async def _registered(services: Services, hashed: str) -> str:
    text = await _known(services, hashed)
    if text is None:
        services.usage_metrics.document("refused")
        raise InvalidInput(field="documentId", problem="is not the id of a registered document")
    services.usage_metrics.document("registered")
    return text


async def _known(services: Services, hashed: str) -> str | None:
    return _own().get(hashed) or await services.trusted_documents.text(hashed)


@cache
def _own() -> Mapping[str, str]:
    # The storefront is released with the server itself, so nobody has to register what it sends.
    return {digest(text): text for text in storefront.documents()}
