"""Idempotency batching: requests with keys that arrive together share a transaction, from the claims to the commit.

A batch goes through three round trips. The first claims all keys. Then each request runs until it asks for its change. The second
makes the changes, and each request renders its response. The third records the responses and commits. Between them
the requests only compute: whoever takes longer than PATIENCE_SECONDS, or gives up after its change was made, makes the
batch roll back, and then each of its requests runs in a transaction of its own.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog

from db.commit_batching import (
    LOCKED,
    MOST_WAITING,
    UNDONE,
    AskForAll,
    LockAll,
    bind_batch,
    list_free,
    make_shared_context,
)
from db.notices import Note, ignore_change
from db.pool import Pool
from db.refusals import translate_error
from db.stepwise_transaction import StepwiseTransaction, open_stepwise
from domain.idempotency import Key, RecordedResponse
from domain.idempotency_batch import Claim, bind_claims, bind_records, read_claims
from edge.batched_request import BatchedRequest, BatchUndone
from errors import OutcomeUnknown, RequestInProgress, Unavailable

# Each request of a batch has an advisory lock, and PostgreSQL's table of locks has room for some thousands.
LARGEST_BATCH: Final = 64
# Others wait for a request that runs, and sessions stay locked. A request takes less than a millisecond between two steps.
PATIENCE_SECONDS: Final = 0.5
log = structlog.get_logger("matinee.idempotency")


class IdempotencyBatcher:
    """Transactions that requests with idempotency keys share; while one batch runs, the next one gathers."""

    def __init__(
        self, pool: Pool, *, lock_all: LockAll, find_free: AskForAll | None = None, note: Note = ignore_change
    ) -> None:
        """Run batches on connections of `pool`; the arguments are those of CommitBatcher."""
        self._pool, self._lock_all, self._find_free, self._note = pool, lock_all, find_free, note
        self._waiting: list[BatchedRequest] = []
        # Of the requests that wait or run: another one with such a key must not wait for them.
        self._keys: set[Key] = set()
        self._runner: asyncio.Task[None] | None = None

    def make_request(self, key: Key, *, fingerprint: bytes) -> BatchedRequest:
        """Return a request that joins the next batch when it begins."""
        return BatchedRequest(key, fingerprint, join=self.join, notify=self.notify)

    def join(self, request: BatchedRequest) -> None:
        """Add a request to the next batch; raise RequestInProgress where its key is in use, Unavailable where too many wait."""
        if request.key in self._keys:
            raise RequestInProgress
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable
        self._keys.add(request.key)
        self._waiting.append(request)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_all(), context=make_shared_context())

    def notify(self, request: BatchedRequest) -> None:
        """Notify subscribers of what a request has changed, once that is durable."""
        for change in request.touched:
            self._note(change)

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._run(batch)
        finally:
            # Requests still wait here only where the runner was cancelled.
            left, self._waiting, self._runner = self._waiting, [], None
            self._end(left, Unavailable())

    async def _run(self, batch: Sequence[BatchedRequest]) -> None:
        try:
            async with open_stepwise(self._pool) as transaction:
                await self._share(transaction, [request for request in batch if not request.has_left])
        except Exception as error:  # noqa: BLE001 - raised at the requests
            await self._fail(batch, error)
        finally:
            # Where the runner was cancelled: those whose response is here may have been committed.
            self._end([request for request in batch if request.answer is None], Unavailable())
            self._end(batch, OutcomeUnknown())

    def _end(self, requests: Sequence[BatchedRequest], error: Exception) -> None:
        """End the requests that have not ended yet, with an error at those that still wait."""
        for request in requests:
            # Once for each: its key may belong to another request by now.
            if request.end():
                self._keys.discard(request.key)
                request.fail(error)

    async def _share(self, transaction: StepwiseTransaction, batch: Sequence[BatchedRequest]) -> None:
        if not batch:
            return
        results = await transaction.run(bind_claims([request.key for request in batch]))
        claims = read_claims(results)
        running = [request for request, claim in zip(batch, claims, strict=True) if self._answer_claim(request, claim)]
        await gather(running)
        changing = [request for request in running if request.change is not None and not request.has_left]
        if changing:
            statements, read = bind_batch([request.change for request in changing if request.change], self._lock_all)
            for request, rows in zip(changing, read(await transaction.run(statements)), strict=True):
                request.resume(rows)
            await gather(changing)
        require_responses(changing)
        await self._commit(transaction, [request for request in running if request.answer is not None])

    def _answer_claim(self, request: BatchedRequest, claim: Claim) -> bool:
        """Return whether the request has to run; end it where it is settled."""
        if claim.is_ours:
            request.resume(claim.recorded)
        if claim.is_ours and claim.recorded is None:
            return True
        self._end([request], RequestInProgress())
        return False

    async def _commit(self, transaction: StepwiseTransaction, answered: Sequence[BatchedRequest]) -> None:
        if not answered:
            return
        records = [
            (request.key, RecordedResponse(request.fingerprint, request.answer))
            for request in answered
            if request.answer is not None
        ]
        await transaction.commit([bind_records(records)])
        for request in answered:
            if not request.resume(None):
                self.notify(request)

    async def _fail(self, batch: Sequence[BatchedRequest], error: Exception) -> None:
        """Raise at each request what became of it: as CommitBatcher does, but who may run again does so by itself."""
        cause = error.__cause__ or error
        if isinstance(cause, LOCKED) and len(batch) > 1:
            await self._fail_locked(batch)
            return
        refusal = translate_error(error) if isinstance(error, psycopg.Error) else error
        is_everybodys = isinstance(refusal, Unavailable) and not isinstance(cause, UNDONE)
        if not (is_everybodys or isinstance(refusal, OutcomeUnknown)):
            if not isinstance(cause, psycopg.Error | BatchUndone):
                log.error("a batch of requests with idempotency keys has failed", exc_info=error)
            refusal = BatchUndone()
        for request in batch:
            request.fail(refusal)

    async def _fail_locked(self, batch: Sequence[BatchedRequest]) -> None:
        """Refuse the requests whose locks somebody holds, who have waited for them in vain; let the others run again."""
        changing = [request.change for request in batch if request.change is not None]
        free = changing
        if self._find_free is not None:
            try:
                free = await list_free(self._pool, changing, self._find_free)
            except Exception:  # noqa: BLE001 - nothing was done, and everybody may ask again
                free = []
        for request in batch:
            may_run = request.change is None or request.change in free
            request.fail(BatchUndone() if may_run else Unavailable())


async def gather(requests: Sequence[BatchedRequest]) -> None:
    """Return once each request has taken its next step or left; raise BatchUndone where one takes too long."""
    if requests:
        _, late = await asyncio.wait([request.arrived for request in requests], timeout=PATIENCE_SECONDS)
        if late:
            raise BatchUndone


def require_responses(changing: Sequence[BatchedRequest]) -> None:
    """Raise BatchUndone where a request has left after its change was made: no effect is committed without its response."""
    if any(request.answer is None for request in changing):
        raise BatchUndone
