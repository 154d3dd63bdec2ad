"""Hedged retries: the next attempt starts when one fails or is slow, and the first answer wins."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from upstreams.faults import Fault, SlowError

T = TypeVar("T")

# With full jitter: callers that failed together do not come back together.
BACKOFF: Final = wait_random_exponential(multiplier=0.05, max=0.4)


class Attempts(Generic[T]):
    """The attempts of one call.

    After `patience` seconds without an answer another attempt starts beside the first, so that a call succeeds in time
    even where half of all attempts hang. With `patience` None attempts run one after the other, and only after a fault
    which says that the third party cannot have received the last one.
    """

    def __init__(self, send: Callable[[], Awaitable[T]], *, patience: float | None, most: int, deadline: float) -> None:
        self._send = send
        self._patience = patience
        self._most = most
        self._deadline = deadline
        self._started: list[asyncio.Task[None]] = []
        self._answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def answer(self) -> T:
        """Return the first answer; raise the last Fault, or TimeoutError when the deadline has passed."""
        retrying = AsyncRetrying(
            sleep=self._pause,
            stop=stop_after_attempt(self._most) | stop_before_delay(self._deadline),
            wait=compute_pause,
            retry=retry_if_exception(self._is_worth_another),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._deadline):
                return await retrying(self._send_next)
        except SlowError:
            raise TimeoutError from None
        finally:
            await self._abandon()

    async def _send_next(self) -> T:
        if not self._answer.done():
            self._started.append(asyncio.create_task(self._send_once()))
            await self._await_newest()
        if self._answer.done():
            return self._answer.result()
        newest = self._started[-1]
        if newest.done():
            newest.result()
        raise SlowError

    async def _send_once(self) -> None:
        answer = await self._send()
        if not self._answer.done():
            self._answer.set_result(answer)

    async def _await_newest(self) -> None:
        """Wait for an answer, the end of the newest attempt or of `patience`; after the last attempt, for all of them."""
        last = len(self._started) == self._most
        awaited = self._started if last else self._started[-1:]
        patience = None if last else self._patience
        while not self._answer.done() and (open_ones := [task for task in awaited if not task.done()]):
            awaited_now: set[asyncio.Future[Any]] = {self._answer, *open_ones}
            done, _ = await asyncio.wait(awaited_now, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return

    async def _pause(self, seconds: float) -> None:
        # An earlier attempt may answer during the pause.
        await asyncio.wait({self._answer}, timeout=seconds)

    def _is_worth_another(self, error: BaseException) -> bool:
        if isinstance(error, Fault):
            return error.passing if self._patience is not None else error.unsent
        return isinstance(error, SlowError)

    async def _abandon(self) -> None:
        for task in self._started:
            task.cancel()
        await asyncio.gather(*self._started, return_exceptions=True)


def compute_pause(state: RetryCallState) -> float:
    """Return the seconds before the next attempt: 0 beside a slow one, `Retry-After` where sent, else backoff with jitter."""
    error = state.outcome.exception() if state.outcome else None
    return max(error.retry_after, BACKOFF(state)) if isinstance(error, Fault) else 0.0
