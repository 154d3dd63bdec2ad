"""Idempotency keys: a request is done once, and for a day its key brings back what it was answered."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.engine import Transaction
from db.request_transaction import RequestTransaction
from errors import InvalidInput, RequestInProgress

HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255
KEPT: Final = "interval '24 hours'"
# Longer than any call that is made outside of a transaction takes.
LEASE: Final = "interval '30 seconds'"

# The lock is what says that a request is running: it goes with the transaction, however that ends. What is kept is read
# by a statement of its own, begun once the lock is there: the request that held it before has committed by then.
LOCK_OR_LEAVE: Final = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
LOCK: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
FIND: Final = f"""
    SELECT fingerprint, answer, leased_until, coalesce(leased_until > clock_timestamp(), false)
    FROM idempotency_keys
    WHERE caller = %(caller)s AND key = %(key)s AND created_at > clock_timestamp() - {KEPT}
"""
LEASE_KEY: Final = f"""
    INSERT INTO idempotency_keys (caller, key, fingerprint, leased_until)
    VALUES (%(caller)s, %(key)s, %(fingerprint)s, clock_timestamp() + {LEASE})
    ON CONFLICT (caller, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at,
        leased_until = excluded.leased_until
    RETURNING leased_until
"""
KEEP: Final = """
    INSERT INTO idempotency_keys (caller, key, fingerprint, answer)
    VALUES (%(caller)s, %(key)s, %(fingerprint)s, %(answer)s)
    ON CONFLICT (caller, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at,
        leased_until = NULL
"""
RELEASE: Final = """
    DELETE FROM idempotency_keys WHERE caller = %(caller)s AND key = %(key)s AND leased_until = %(leased_until)s
"""
DELETE_EXPIRED: Final = f"""
    WITH expired AS MATERIALIZED (
        SELECT caller, key FROM idempotency_keys WHERE created_at <= clock_timestamp() - {KEPT}
        ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM idempotency_keys USING expired
        WHERE idempotency_keys.caller = expired.caller AND idempotency_keys.key = expired.key
        RETURNING 1
    )
    SELECT count(*) FROM deleted
"""


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's own name for a request; two callers may use the same."""

    caller: str
    text: str

    @property
    def lock(self) -> int:
        """The number that is locked while the request runs; it has 64 bits and a sign."""
        digest = hashlib.sha256(f"{self.caller}\0{self.text}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    @property
    def parameters(self) -> dict[str, object]:
        """What every statement here is told."""
        return {"caller": self.caller, "key": self.text, "lock": self.lock}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: the request that it was used for, and the answer."""

    fingerprint: bytes
    answer: bytes


def check(values: list[str]) -> str:
    """Return the key in the header's values; raise InvalidInput unless it is one, of 1 to 255 printable ASCII characters."""
    text = values[0]
    if len(values) > 1:
        raise InvalidInput(field=HEADER, problem="must be given once")
    if not (1 <= len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()):
        problem = f"must have 1 to {LONGEST_KEY} printable ASCII characters, a UUID for example"
        raise InvalidInput(field=HEADER, problem=problem)
    return text


async def claim(held: RequestTransaction, key: Key) -> Kept | None:
    """Return what is kept under the key; where nothing is, it is the caller's until the transaction ends.

    Raises RequestInProgress while another request with this key is running.
    """
    [[(is_ours,)], found] = await held.together([LOCK_OR_LEAVE, FIND], **key.parameters)
    if not is_ours or any(is_leased for *_, is_leased in found):
        raise RequestInProgress
    for fingerprint, answer, _, _ in found:
        # Of a request that was cut off nothing is left but its lease.
        return Kept(fingerprint, answer) if answer is not None else None
    return None


async def lease(held: RequestTransaction, key: Key, *, fingerprint: bytes) -> datetime:
    """Return until when the key stays taken once the transaction has ended; a request that is killed gives it up then."""
    [[(leased_until,)]] = await held.together([LEASE_KEY], fingerprint=fingerprint, **key.parameters)
    until: datetime = leased_until
    return until


async def claim_again(held: RequestTransaction, key: Key, *, leased_until: datetime) -> None:
    """Make the key the new transaction's; raise RequestInProgress where the lease has ended and another has taken it."""
    [_, found] = await held.together([LOCK, FIND], **key.parameters)
    if not any(until == leased_until for *_, until, _ in found):
        raise RequestInProgress


async def keep(held: RequestTransaction, key: Key, *, fingerprint: bytes, answer: bytes) -> None:
    """Keep the answer, in the transaction of what it tells of."""
    await held.execute(KEEP, fingerprint=fingerprint, answer=answer, **key.parameters)


async def release(tx: Transaction, key: Key, *, leased_until: datetime) -> None:
    """Give up a key that was leased."""
    await tx.execute(RELEASE, leased_until=leased_until, **key.parameters)


async def delete_expired(tx: Transaction, *, batch: int) -> int:
    """Delete up to `batch` keys that are older than a day; return how many it was."""
    deleted: int = await tx.value(DELETE_EXPIRED, batch=batch)
    return deleted
