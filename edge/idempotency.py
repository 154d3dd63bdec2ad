"""Idempotency: runs a request with a key once, records its response in the same transaction, and replays it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from db.engine import Database
from db.idempotency_cipher import IdempotencyCipher
from db.request_transaction import RequestCommits, RequestTransaction, bind_database
from domain import idempotency, page_view
from domain.idempotency import HEADER, Key, RecordedResponse
from edge.batched_request import BatchedRequest, BatchUndone
from edge.services import Services, SharedCommits
from errors import IdempotencyKeyReused, InvalidInput, OutcomeUnknown, RequestInProgress, Unavailable
from identity.passwords import Hashing

REPLAYED: Final = "Idempotent-Replayed"
# The largest response that is recorded; a day of requests stays in the database.
LARGEST_RESPONSE: Final = 1024 * 1024
TOO_LARGE: Final = "cannot be honoured: the response is too large to be recorded. Ask for less, or leave the key out"

Run = Callable[[Services], Awaitable[Response]]


class NotRecorded(Exception):
    """The request failed in a way that a retry may change: it is answered, rolled back, and not recorded.

    With `may_stand`, where another part of the request has changed something, that change and this response are recorded.
    """

    def __init__(self, response: Response, *, may_stand: bool = False) -> None:
        """Carry the response."""
        super().__init__()
        self.response = response
        self.may_stand = may_stand


def has_key(request: Request) -> bool:
    """Return whether the request has a key, valid or not."""
    return HEADER in request.headers


class Recording(Protocol):
    """The run of a request under its key, in a transaction of its own or in one that others share."""

    @property
    def is_changed(self) -> bool:
        """Whether another part of the request has changed something."""

    async def begin(self) -> RecordedResponse | None:
        """Return the response recorded under the key, None where the request has to run."""

    async def finish(self, answer: bytes) -> None:
        """Commit the effect and the encrypted response together."""

    async def give_up(self) -> None:
        """Roll back and release the key; does nothing once the request is finished."""


async def run_once(
    request: Request, services: Services, *, caller: str, run: Run, shares: SharedCommits | None = None
) -> Response:
    """Return the response of `run`, or the recorded one; `run` gets services that work inside one transaction.

    `shares` is for a run whose effect is one change by these commits, and which does nothing else: it may share
    the transaction. Where that fails, `run` is called again.
    Raises InvalidInput for a malformed key, RequestInProgress, IdempotencyKeyReused, Unavailable,
    OutcomeUnknown, and what `run` raises.
    """
    key = Key(caller, idempotency.read_key(request.headers.getlist(HEADER)))
    parts = await read_request(request, caller)
    fingerprint, primary = services.cipher.fingerprint(parts), services.database.primary
    run_under_key = RunUnderKey(
        services.database, RequestTransaction(primary.pool, note=primary.note), key, fingerprint
    )
    bound = bind_services(services, run_under_key)
    if shares is not None:
        batched = services.idempotency_batchers[shares].make_request(key, fingerprint=fingerprint)
        with suppress(BatchUndone):
            # Whatever else it may use belongs to a transaction that is not open, and fails.
            return await run_recorded(batched, parts, run, bind_commits(bound, shares, batched))
    return await run_recorded(run_under_key, parts, run, bound)


async def run_recorded(recording: Recording, parts: tuple[bytes, ...], run: Run, services: Services) -> Response:
    """Return the response of `run`, which is recorded, or the one recorded before."""
    try:
        recorded = await recording.begin()
        if recorded is not None:
            return replay_response(recorded, parts, cipher=services.cipher)
        response = await run_inside(recording, run, services)
        await recording.finish(encrypt_response(response, cipher=services.cipher))
        return response
    except NotRecorded as not_recorded:
        return not_recorded.response
    finally:
        await recording.give_up()


async def run_inside(recording: Recording, run: Run, services: Services) -> Response:
    """Return the response to be recorded; raise NotRecorded."""
    try:
        return await run(services)
    except NotRecorded as not_recorded:
        if not_recorded.may_stand and recording.is_changed:
            return not_recorded.response
        raise


async def read_request(request: Request, caller: str) -> tuple[bytes, ...]:
    """Return the parts that identify a request: caller, method, path, query string and body."""
    scope = request.scope
    return (
        caller.encode(),
        scope["method"].encode(),
        scope["path"].encode(),
        scope["query_string"],
        await request.body(),
    )


def encrypt_response(response: Response, *, cipher: IdempotencyCipher) -> bytes:
    """Return a response as it is recorded; raise InvalidInput where it is too large."""
    body = bytes(response.body)
    if len(body) > LARGEST_RESPONSE:
        raise InvalidInput(field=HEADER, problem=TOO_LARGE)
    headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
    return cipher.encrypt(orjson.dumps([response.status_code, headers]) + b"\n" + body)


def replay_response(recorded: RecordedResponse, parts: tuple[bytes, ...], *, cipher: IdempotencyCipher) -> Response:
    """Return the recorded response; raise IdempotencyKeyReused where the key was used for another request."""
    if not cipher.matches(recorded.fingerprint, parts):
        raise IdempotencyKeyReused
    head, _, body = cipher.decrypt(recorded.answer).partition(b"\n")
    status, headers = orjson.loads(head)
    # Marks the replay in the access log.
    structlog.contextvars.bind_contextvars(replayed=True)
    return Response(body, status, {**dict(headers), REPLAYED: "true"})


@dataclass(slots=True)
class RunUnderKey:
    """The run of a request under its key, from the claim of the key to the commit."""

    database: Database
    request_tx: RequestTransaction
    key: Key
    fingerprint: bytes
    leased_until: datetime | None = None

    @property
    def is_changed(self) -> bool:
        """Whether a use case has changed something."""
        return self.request_tx.is_changed

    async def begin(self) -> RecordedResponse | None:
        """Return the response recorded under the key, None where the request has to run."""
        await self.request_tx.begin()
        return await idempotency.claim(self.request_tx, self.key)

    async def finish(self, answer: bytes) -> None:
        """Commit the effect and the encrypted response together.

        Raises RequestInProgress where the lease has ended meanwhile, and another request has the key.
        """
        if not self.request_tx.is_open:
            raise RequestInProgress
        await idempotency.record(self.request_tx, self.key, fingerprint=self.fingerprint, answer=answer)
        await self.request_tx.commit()
        self.leased_until = None

    async def give_up(self) -> None:
        """Roll back and release the key; does nothing once the request is finished."""
        await self.request_tx.roll_back()
        if self.leased_until is not None:
            # Without a database the lease expires by itself.
            with suppress(Unavailable, OutcomeUnknown):
                async with self.database.transaction() as tx:
                    await idempotency.release(tx, self.key, leased_until=self.leased_until)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[None]:
        """End the transaction for the length of a block that calls a third party or takes long.

        A lease holds the key meanwhile. Where the request has already changed something the transaction stays open,
        for its changes must not be committed before the response.
        """
        if self.request_tx.is_changed:
            yield
            return
        self.leased_until = await idempotency.lease(self.request_tx, self.key, fingerprint=self.fingerprint)
        try:
            await self.request_tx.commit()
        except OutcomeUnknown as error:
            # At most the lease was taken, which ends by itself: nothing was done.
            raise Unavailable from error
        try:
            yield
        finally:
            await self._begin_again(self.leased_until)

    async def _begin_again(self, leased_until: datetime) -> None:
        await self.request_tx.begin()
        try:
            await idempotency.reclaim(self.request_tx, self.key, leased_until=leased_until)
        except BaseException:
            await self.request_tx.roll_back()
            raise


@dataclass(frozen=True, slots=True)
class PasswordsOutsideTransaction:
    """Hashes passwords outside of the request's transaction, so that no connection waits for a hash."""

    passwords: Hashing
    outside: Callable[[], AbstractAsyncContextManager[None]]

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        async with self.outside():
            return await self.passwords.hash(password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password matches the stored hash."""
        async with self.outside():
            return await self.passwords.verify(kept, password)


def bind_services(services: Services, run_under_key: RunUnderKey) -> Services:
    """Return services whose every change belongs to the request's transaction."""
    database = bind_database(run_under_key.request_tx, services.database)
    changes = RequestCommits(run_under_key.request_tx)
    return replace(
        services,
        database=database,
        booking_commits=changes,
        reservation_commits=changes,
        rating_commits=changes,
        ticket_commits=changes,
        page_views=page_view.make_batcher(database),
        passwords=PasswordsOutsideTransaction(services.passwords, run_under_key.outside),
        outside_transaction=run_under_key.outside,
    )


def bind_commits(services: Services, shares: SharedCommits, batched: BatchedRequest) -> Services:
    """Return services whose changes by these commits are made in a batch."""
    commits: dict[str, Any] = {shares: batched}
    return replace(services, **commits)
