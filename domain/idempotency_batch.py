"""Idempotency keys of several requests that share a transaction: claimed by one statement, recorded by another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.pq.abc import PGresult

from db.commits import Bound
from db.pipeline.statement import load_rows, make_statement, number_placeholders
from db.shared_change import write_array, write_text_array
from domain.idempotency import OVERWRITE, RECORDED_FOR, Key, RecordedResponse

# As for one key (domain/idempotency.py): the records are read by a second statement, which begins once the locks are held.
TRY_LOCKS: Final = """
    SELECT pg_try_advisory_xact_lock(lock) FROM unnest(%(locks)s::bigint[]) WITH ORDINALITY AS asked (lock, place)
    ORDER BY place
"""
FIND_ALL: Final = f"""
    SELECT place, fingerprint, answer, coalesce(leased_until > clock_timestamp(), false)
    FROM unnest(%(callers)s::text[], %(keys)s::text[]) WITH ORDINALITY AS asked (caller, key, place)
    JOIN idempotency_keys USING (caller, key)
    WHERE created_at > clock_timestamp() - {RECORDED_FOR}
"""
RECORD_ALL: Final = f"""
    INSERT INTO idempotency_keys (caller, key, fingerprint, answer)
    SELECT caller, key, decode(fingerprint, 'hex'), decode(answer, 'hex')
    FROM unnest(%(callers)s::text[], %(keys)s::text[], %(fingerprints)s::text[], %(answers)s::text[])
        AS given (caller, key, fingerprint, answer)
    {OVERWRITE}
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome of a claim: whether no other request with this key is running, and the response recorded under it."""

    is_ours: bool
    recorded: RecordedResponse | None = None


def bind_claims(keys: Sequence[Key]) -> list[Bound]:
    """Return the statements that claim several keys until the transaction ends, and read what is recorded under them."""
    return [
        bind_arrays(TRY_LOCKS, locks=write_array(key.lock for key in keys)),
        bind_arrays(FIND_ALL, **write_keys(keys)),
    ]


def read_claims(results: Sequence[PGresult]) -> list[Claim]:
    """Return the outcome of each claim, in the order of the keys."""
    locked, found = (load_rows(result) for result in results)
    claims = [Claim(is_ours) for (is_ours,) in locked]
    for place, fingerprint, answer, is_leased in found:
        recorded = None if answer is None else RecordedResponse(fingerprint, answer)
        claims[place - 1] = Claim(claims[place - 1].is_ours and not is_leased, recorded)
    return claims


def bind_records(records: Sequence[tuple[Key, RecordedResponse]]) -> Bound:
    """Return the statement that records the responses of several requests in the transaction of their effects."""
    fingerprints = write_text_array(recorded.fingerprint.hex() for _, recorded in records)
    answers = write_text_array(recorded.answer.hex() for _, recorded in records)
    keys = write_keys([key for key, _ in records])
    return bind_arrays(RECORD_ALL, fingerprints=fingerprints, answers=answers, **keys)


def write_keys(keys: Sequence[Key]) -> dict[str, bytes]:
    """Return the columns of several keys, as arrays."""
    return {"callers": write_text_array(key.caller for key in keys), "keys": write_text_array(key.text for key in keys)}


def bind_arrays(text: str, **arrays: bytes) -> Bound:
    """Return a statement whose parameters are arrays; psycopg's own way to write them costs several times as much."""
    sql, names = number_placeholders(text)
    return make_statement(sql, (), is_planned_each_time=False), [arrays[name] for name in names]
