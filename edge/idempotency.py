"""Requests with an idempotency key: done once, in one transaction with their answer, which is repeated from then on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from db.engine import Database
from db.idempotency_cipher import IdempotencyCipher
from db.request_transaction import RequestCommits, RequestTransaction, inside
from domain import idempotency, page_view
from domain.idempotency import HEADER, Kept, Key
from edge.services import Services
from errors import IdempotencyKeyReused, InvalidInput, OutcomeUnknown, RequestInProgress, Unavailable
from identity.passwords import Hashing

REPLAYED: Final = "Idempotent-Replayed"
# What a day of requests may leave in the database, each.
LARGEST_ANSWER: Final = 1024 * 1024
TOO_LARGE: Final = "cannot be honoured, for the answer would be too large to be kept. Ask for less, or leave it out"

Run = Callable[[Services], Awaitable[Response]]


class Unsettled(Exception):
    """The request came to nothing that a retry must not change: it is answered so, undone, and not kept.

    Where `may_stand` something else that the request did stands all the same, and is kept with this answer.
    """

    def __init__(self, response: Response, *, may_stand: bool = False) -> None:
        """Take the answer along."""
        super().__init__()
        self.response = response
        self.may_stand = may_stand


def is_keyed(request: Request) -> bool:
    """Return whether there is a key, good or not."""
    return HEADER in request.headers


async def once(request: Request, services: Services, *, caller: str, run: Run) -> Response:
    """Return what `run` answers, or what it has answered before; it is handed services inside of one transaction.

    Raises InvalidInput for what is no key, RequestInProgress, IdempotencyKeyReused, Unavailable,
    OutcomeUnknown, and what `run` raises.
    """
    key = Key(caller, idempotency.check(request.headers.getlist(HEADER)))
    asked = await told(request, caller)
    held = RequestTransaction(services.database.primary.pool, note=services.database.primary.note)
    running = Running(services.database, held, key, services.cipher.fingerprint(asked))
    try:
        kept = await running.begin()
        if kept is not None:
            return repeated(kept, asked, seal=services.cipher)
        response = await settled(run, running, services)
        await running.finish(sealed(response, seal=services.cipher))
        return response
    except Unsettled as unsettled:
        return unsettled.response
    finally:
        await running.give_up()


async def settled(run: Run, running: "Running", services: Services) -> Response:
    """Return the answer that is to be kept; raise Unsettled."""
    try:
        return await run(bound(services, running))
    except Unsettled as unsettled:
        if unsettled.may_stand and running.held.is_changed:
            return unsettled.response
        raise


async def told(request: Request, caller: str) -> tuple[bytes, ...]:
    """Return what makes the request this very one: who asks, the method, the path with its parameters, and the body."""
    scope = request.scope
    return (
        caller.encode(),
        scope["method"].encode(),
        scope["path"].encode(),
        scope["query_string"],
        await request.body(),
    )


def sealed(response: Response, *, seal: IdempotencyCipher) -> bytes:
    """Return an answer as it is kept; raise InvalidInput where it is too large."""
    body = bytes(response.body)
    if len(body) > LARGEST_ANSWER:
        raise InvalidInput(field=HEADER, problem=TOO_LARGE)
    headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
    return seal.close(orjson.dumps([response.status_code, headers]) + b"\n" + body)


def repeated(kept: Kept, asked: tuple[bytes, ...], *, seal: IdempotencyCipher) -> Response:
    """Return the answer that is kept; raise IdempotencyKeyReused where another request has got it."""
    if not seal.knows(kept.fingerprint, asked):
        raise IdempotencyKeyReused
    head, _, body = seal.open(kept.answer).partition(b"\n")
    status, headers = orjson.loads(head)
    # For the access log: that nothing was done this time.
    structlog.contextvars.bind_contextvars(replayed=True)
    return Response(body, status, {**dict(headers), REPLAYED: "true"})


@dataclass(slots=True)
class Running:
    """A request under its key, from the claim to the commit."""

    database: Database
    held: RequestTransaction
    key: Key
    fingerprint: bytes
    leased_until: datetime | None = None

    async def begin(self) -> Kept | None:
        """Return what is kept under the key, None where the request is to be run."""
        await self.held.begin()
        return await idempotency.claim(self.held, self.key)

    async def finish(self, answer: bytes) -> None:
        """Make the answer and all that was done durable; both travel together, so no lock waits for either.

        Raises RequestInProgress where the lease has ended in the meantime, and the key is another's.
        """
        if not self.held.is_open:
            raise RequestInProgress
        await idempotency.keep(self.held, self.key, fingerprint=self.fingerprint, answer=answer)
        await self.held.commit()
        self.leased_until = None

    async def give_up(self) -> None:
        """Undo what is not durable, and let go of the key; nothing once the request is finished."""
        await self.held.roll_back()
        if self.leased_until is not None:
            # Without a database the lease ends by itself.
            with suppress(Unavailable, OutcomeUnknown):
                async with self.database.transaction() as tx:
                    await idempotency.release(tx, self.key, leased_until=self.leased_until)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[None]:
        """Let go of transaction and connection for the length of a block that calls somebody or takes long.

        Meanwhile the key is taken by a lease. Where something was changed already the transaction stays: it must not
        become durable before the answer.
        """
        if self.held.is_changed:
            yield
            return
        self.leased_until = await idempotency.lease(self.held, self.key, fingerprint=self.fingerprint)
        try:
            await self.held.commit()
        except OutcomeUnknown as error:
            # At most the lease was taken, which ends by itself: nothing was done.
            raise Unavailable from error
        try:
            yield
        finally:
            await self._begin_again(self.leased_until)

    async def _begin_again(self, leased_until: datetime) -> None:
        await self.held.begin()
        try:
            await idempotency.claim_again(self.held, self.key, leased_until=leased_until)
        except BaseException:
            await self.held.roll_back()
            raise


@dataclass(frozen=True, slots=True)
class HashedOutside:
    """Passwords whose hashing keeps no transaction waiting."""

    passwords: Hashing
    outside: Callable[[], AbstractAsyncContextManager[None]]

    async def hash(self, password: str) -> str:
        """Return the hash to keep."""
        async with self.outside():
            return await self.passwords.hash(password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password is the one behind the kept hash."""
        async with self.outside():
            return await self.passwords.verify(kept, password)


def bound(services: Services, running: Running) -> Services:
    """Return the services as a request uses them whose every change is to become durable with its answer."""
    database = inside(running.held, services.database)
    changes = RequestCommits(running.held)
    return replace(
        services,
        database=database,
        booking_commits=changes,
        reservation_commits=changes,
        page_views=page_view.gathered(database),
        passwords=HashedOutside(services.passwords, running.outside),
        outside_transaction=running.outside,
    )
