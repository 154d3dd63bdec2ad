"""Idempotency keys: a request runs once, and for a day its key replays the recorded response."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.engine import Transaction
from db.request_transaction import RequestTransaction
from errors import InvalidInput, RequestInProgress

HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255
RECORDED_FOR: Final = "interval '24 hours'"
# Longer than any call that is made outside of the transaction takes.
LEASE: Final = "interval '30 seconds'"

# The lock shows that a request is running; it ends with the transaction. The record is read by a second statement, which
# begins once the lock is held: a request that held the lock before has committed by then, so its record is visible.
TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
LOCK: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
FIND: Final = f"""
    SELECT fingerprint, answer, leased_until, coalesce(leased_until > clock_timestamp(), false)
    FROM idempotency_keys
    WHERE caller = %(caller)s AND key = %(key)s AND created_at > clock_timestamp() - {RECORDED_FOR}
"""
LEASE_KEY: Final = f"""
    INSERT INTO idempotency_keys (caller, key, fingerprint, leased_until)
    VALUES (%(caller)s, %(key)s, %(fingerprint)s, clock_timestamp() + {LEASE})
    ON CONFLICT (caller, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at,
        leased_until = excluded.leased_until
    RETURNING leased_until
"""
OVERWRITE: Final = """
    ON CONFLICT (caller, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at,
        leased_until = NULL
"""
RECORD: Final = f"""
    INSERT INTO idempotency_keys (caller, key, fingerprint, answer)
    VALUES (%(caller)s, %(key)s, %(fingerprint)s, %(answer)s)
    {OVERWRITE}
"""
RELEASE: Final = """
    DELETE FROM idempotency_keys WHERE caller = %(caller)s AND key = %(key)s AND leased_until = %(leased_until)s
"""
DELETE_EXPIRED: Final = f"""
    WITH expired AS MATERIALIZED (
        SELECT caller, key FROM idempotency_keys WHERE created_at <= clock_timestamp() - {RECORDED_FOR}
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
    """A caller's name for a request; another caller may use the same name."""

    caller: str
    text: str

    @property
    def lock(self) -> int:
        """The advisory lock of a running request, a signed 64-bit number."""
        digest = hashlib.sha256(f"{self.caller}\0{self.text}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of every statement here."""
        return {"caller": self.caller, "key": self.text, "lock": self.lock}


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The record of a key: the fingerprint of its request, and the encrypted response."""

    fingerprint: bytes
    answer: bytes


def read_key(values: list[str]) -> str:
    """Return the key of the header; raise InvalidInput unless there is one value of 1 to 255 printable ASCII characters."""
    text = values[0]
    if len(values) > 1:
        raise InvalidInput(field=HEADER, problem="must be given once")
    if not (1 <= len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()):
        problem = f"must have 1 to {LONGEST_KEY} printable ASCII characters, a UUID for example"
        raise InvalidInput(field=HEADER, problem=problem)
    return text


async def claim(request_tx: RequestTransaction, key: Key) -> RecordedResponse | None:
    """Return the response recorded under the key; without one, claim the key until the transaction ends.

    Raises RequestInProgress while another request with this key is running.
    """
    [[(is_ours,)], found] = await request_tx.together([TRY_LOCK, FIND], **key.parameters)
    if not is_ours or any(is_leased for *_, is_leased in found):
        raise RequestInProgress
    for fingerprint, answer, _, _ in found:
        # A request that was cut off leaves only its lease.
        return RecordedResponse(fingerprint, answer) if answer is not None else None
    return None


async def lease(request_tx: RequestTransaction, key: Key, *, fingerprint: bytes) -> datetime:
    """Take the key by a lease, and return its end; the lease of a killed request expires by itself."""
    [[(leased_until,)]] = await request_tx.together([LEASE_KEY], fingerprint=fingerprint, **key.parameters)
    until: datetime = leased_until
    return until


async def reclaim(request_tx: RequestTransaction, key: Key, *, leased_until: datetime) -> None:
    """Claim the key for a new transaction; raise RequestInProgress where the lease expired and another request took it."""
    [_, found] = await request_tx.together([LOCK, FIND], **key.parameters)
    if not any(until == leased_until for *_, until, _ in found):
        raise RequestInProgress


async def record(request_tx: RequestTransaction, key: Key, *, fingerprint: bytes, answer: bytes) -> None:
    """Record the response in the transaction of its effect."""
    await request_tx.execute(RECORD, fingerprint=fingerprint, answer=answer, **key.parameters)


async def release(tx: Transaction, key: Key, *, leased_until: datetime) -> None:
    """Release a leased key."""
    await tx.execute(RELEASE, leased_until=leased_until, **key.parameters)


async def delete_expired_keys(tx: Transaction, *, batch: int) -> int:
    """Delete up to `batch` keys older than a day; return how many were deleted."""
    deleted: int = await tx.value(DELETE_EXPIRED, batch=batch)
    return deleted
