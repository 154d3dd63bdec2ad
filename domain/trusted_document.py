"""Trusted documents: the registry of the documents that released clients send, by the hash of their text."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from db.engine import StatementRunner, Transaction
from db.models import TrustedDocument
from errors import InvalidInput

# In the order of their hashes, so that two concurrent additions do not deadlock.
ADD: Final = """
    INSERT INTO trusted_documents (hash, text)
    SELECT hash, text FROM unnest(%(hashes)s::text[], %(texts)s::text[]) AS document (hash, text) ORDER BY hash
    ON CONFLICT (hash) DO NOTHING RETURNING hash
"""
FIND: Final = "SELECT hash, text FROM trusted_documents WHERE hash = ANY (%(hashes)s)"
LIST: Final = "SELECT hash, text, added_at FROM trusted_documents ORDER BY added_at, hash"
REMOVE: Final = "DELETE FROM trusted_documents WHERE hash = %(hash)s RETURNING hash"


def compute_digest(text: str) -> str:
    """Return the id of a document: the SHA-256 of its UTF-8, in 64 hexadecimal digits."""
    # No registered document has a lone surrogate; one that has is unknown, and must not be an error of encoding.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def add_documents(tx: Transaction, texts: Sequence[str]) -> int:
    """Register documents, and return how many of them are new; raise InvalidInput where one contains NUL."""
    if any("\0" in text for text in texts):
        raise InvalidInput(field="text", problem="must not contain the character NUL")
    return len(await tx.tuples(ADD, hashes=list(map(compute_digest, texts)), texts=list(texts)))


async def remove_document(tx: Transaction, *, digest: str) -> bool:
    """Remove a document from the registry; return whether it was registered."""
    return await tx.value(REMOVE, hash=digest) is not None


async def list_documents(runner: StatementRunner) -> list[TrustedDocument]:
    """Return all registered documents, the oldest first."""
    return await runner.rows(TrustedDocument, LIST)


async def find_texts(runner: StatementRunner, digests: Sequence[str]) -> Mapping[str, str]:
    """Return the texts of the registered documents among these, by their hashes."""
    return dict(await runner.tuples(FIND, hashes=list(digests)))
