"""Answers that the protocol gives without a task of the application, at once or when something is done."""

from asyncio import Future
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, NamedTuple

# Status, headers and body of a response.
Answer = tuple[int, Sequence[tuple[bytes, bytes]], bytes]


# Returns the answer once a future is done, None where the request has to go through the application after all.
Finish = Callable[[Future[Any]], Answer | None]


class PendingAnswer(NamedTuple):
    """An answer that is given once a future is done.

    `finish` is called then, with that future, exactly once, even where the client has gone.
    """

    awaited: Future[Any]
    finish: Finish


# Gets the ASGI scope of a request and its whole body, and returns at once; None for a request that has to go through the
# application.
AnswerAtOnce = Callable[[MutableMapping[str, Any], bytes], Answer | PendingAnswer | None]


class BegunRequest(NamedTuple):
    """A request that was not parsed: its ASGI scope and body, should the application need them, and its answer."""

    scope: MutableMapping[str, Any]
    body: bytes
    answer: PendingAnswer


# Gets an address and all bytes that have arrived from there since the last request ended; None where they must be parsed.
AnswerBytes = Callable[[str, bytes], Answer | BegunRequest | None]
