"""Bytes that are a request which arrived before: it is answered without being parsed again."""

from typing import Final, NamedTuple

from starlette.types import Scope

from edge.request_head import REQUEST_ID
from runtime.proxy_headers import READ as ARE_HEADERS_READ
from runtime.sized_store import SizedStore

# The memory of each worker for them, in bytes.
SIZE: Final = 4 * 1024 * 1024
# Longer requests are parsed each time.
LONGEST: Final = 16_384
# Memory of a parsed head beside the text in it.
HEAD_BYTES: Final = 3_000
# Entries of a scope: the key of a request, once a response was looked for (edge/repeated_requests.py) ...
KEY: Final = "request_key"
# ... that it was answered as a known one ...
KNOWN: Final = "is_known"
# ... that it is a read of an anonymous caller, so that its bytes hold no secret ...
ANONYMOUS_READ: Final = "is_anonymous_read"
# ... and what a surface has read in its body.
ASKED: Final = "asked"
# What a scope holds that depends on the bytes and their address alone.
OF_BYTES: Final = (
    *("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "method", "path", "raw_path"),
    *("query_string", "headers", "state", "head", ARE_HEADERS_READ, KEY, ASKED),
)


class RepeatedBytes(NamedTuple):
    """What the bytes of a request say: the scope as far as it depends on nothing else, and the body."""

    scope: Scope
    body: bytes

    def make_scope(self) -> Scope:
        """Return a scope for another request with these bytes."""
        return {**self.scope, "state": self.scope["state"].copy()}


def make_repeated_bytes() -> SizedStore[RepeatedBytes]:
    """Return the store of a worker, by address and bytes.

    The address is part of the key: it decides who is charged, and whether the headers of proxies are believed.
    """
    return SizedStore(SIZE)


def remember_bytes(store: SizedStore[RepeatedBytes], scope: Scope, address: str, data: bytes, body: bytes) -> None:
    """Remember what these bytes from this address say: a request that has been answered or begun without a task.

    A request with an id of its own is not remembered, for the next one has another id.
    """
    may_repeat = KNOWN in scope or ANONYMOUS_READ in scope
    if not may_repeat or REQUEST_ID in scope["head"] or len(data) > LONGEST:
        return
    repeated = RepeatedBytes({name: scope[name] for name in OF_BYTES if name in scope}, body)
    # Head and body stay in memory beside the bytes, and what was read in the body.
    store.keep((address, data), repeated, HEAD_BYTES + 3 * len(data))
