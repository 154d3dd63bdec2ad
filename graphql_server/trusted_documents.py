"""Finds the document that a request means, by its hash or in its own words, and decides whether it may run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import structlog

from domain.trusted_document import compute_digest
from edge.services import Services
from errors import Forbidden, InvalidInput, MissingField, PersistedQueryNotFound, PersistedQueryNotSupported
from web import storefront

# A prefixed document identifier of GraphQL over HTTP, appendix A.
IDENTIFIER: Final = re.compile(r"sha256:([0-9a-f]{64})")
HASH: Final = re.compile(r"[0-9a-f]{64}")
PERSISTED: Final = "extensions.persistedQuery"
# Modes of MATINEE_DOCUMENTS in which a client may have its document remembered.
PERSISTING: Final = ("automatic", "log")

# Modes in which documents that clients bring are counted, logged or refused.
RESTRICTED: Final = ("log", "enforce")

log = structlog.get_logger("matinee.graphql")


@dataclass(frozen=True, slots=True)
class DocumentHash:
    """The hash of a document, and whether it came as a persisted query (Apollo's APQ) or as a `documentId`."""

    digest: str
    is_persisted_query: bool = False


def read_document_hash(members: Mapping[str, Any], *, query: object) -> DocumentHash | None:
    """Return the hash that a request names its document by, None where it brings only the document itself.

    Raise InvalidInput where the hash is malformed, or is that of another document than `query`.
    """
    identifier = members.get("documentId")
    if identifier is None:
        return read_persisted_query(members, query=query)
    if query is not None:
        raise InvalidInput(field="documentId", problem="stands in place of `query`; leave one of them out")
    found = IDENTIFIER.fullmatch(identifier) if isinstance(identifier, str) else None
    if found is None:
        problem = "must be `sha256:` and the SHA-256 of the document in 64 lower-case hexadecimal digits"
        raise InvalidInput(field="documentId", problem=problem)
    return DocumentHash(found[1])


def read_persisted_query(members: Mapping[str, Any], *, query: object) -> DocumentHash | None:
    """Return the hash in `extensions.persistedQuery`, None where that is left out; raise InvalidInput."""
    extensions = members.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not (isinstance(found, str) and HASH.fullmatch(found)):
        raise InvalidInput(field=PERSISTED, problem="must have a `sha256Hash` of 64 lower-case hexadecimal digits")
    if persisted.get("version", 1) != 1:
        raise InvalidInput(field=f"{PERSISTED}.version", problem="must be 1")
    if isinstance(query, str) and compute_digest(query) != found:
        raise InvalidInput(field=PERSISTED, problem="has the hash of another document than `query`")
    return DocumentHash(found, is_persisted_query=True)


async def find_document(services: Services, *, query: str | None, name: DocumentHash | None) -> str:
    """Return the text of the document to run.

    Raises InvalidInput for a `documentId` that is not registered, PersistedQueryNotFound or PersistedQueryNotSupported
    for the hash of an unknown persisted query, and Forbidden where only registered documents run and this is none.
    """
    if query is not None:
        await admit_text(services, query)
        if name is not None and services.settings.documents in PERSISTING:
            services.persisted_queries.remember(name.digest, query)
        return query
    if name is None:
        raise MissingField(field="query")
    text = await find_registered(services, name.digest)
    if text is not None:
        services.usage_metrics.count_document("registered")
        return text
    if name.is_persisted_query and services.settings.documents in PERSISTING:
        return await find_persisted(services, name.digest)
    services.usage_metrics.count_document("refused")
    if name.is_persisted_query:
        raise PersistedQueryNotSupported
    raise InvalidInput(field="documentId", problem="is not the id of a registered document")


async def find_persisted(services: Services, hashed: str) -> str:
    """Return the text of a remembered query; raise PersistedQueryNotFound, upon which clients send it along."""
    text = services.persisted_queries.find(hashed)
    if text is None:
        raise PersistedQueryNotFound
    await admit_text(services, text)
    return text


async def admit_text(services: Services, text: str) -> None:
    """Count and log a document that was not asked for by a registered id; raise Forbidden where those do not run."""
    if services.settings.documents not in RESTRICTED:
        return
    hashed = compute_digest(text)
    if await find_registered(services, hashed) is not None:
        services.usage_metrics.count_document("registered")
    elif services.settings.documents == "enforce":
        services.usage_metrics.count_document("refused")
        raise Forbidden(whom="registered documents")
    else:
        services.usage_metrics.count_document("unregistered")
        log.warning("unregistered document", document=f"sha256:{hashed}")


async def find_registered(services: Services, hashed: str) -> str | None:
    """Return the text of a registered document, None where there is none of that hash."""
    return read_storefront_documents().get(hashed) or await services.trusted_documents.text(hashed)


@cache
def read_storefront_documents() -> Mapping[str, str]:
    """Return the storefront's documents by their hashes; it is released with the server, so nobody registers them."""
    return {compute_digest(text): text for text in storefront.list_documents()}
