"""Heads of requests that arrived before: a request with such a head is answered without being parsed."""

from typing import Any, Final, NamedTuple

from starlette.types import Scope

from edge.request_head import AUTHORIZATION, CONTENT_LENGTH, REQUEST_ID
from runtime.proxy_headers import READ as ARE_HEADERS_READ
from runtime.sized_store import SizedStore

# The memory of each worker for them, in bytes.
SIZE: Final = 4 * 1024 * 1024
# A longer head or body is not kept.
LONGEST: Final = 16_384
# Memory of a parsed head beside the text in it.
PARSED_BYTES: Final = 3_000
END: Final = b"\r\n\r\n"
# Entries of a scope: the key of a request, once a response was looked for (edge/repeated_requests.py) ...
KEY: Final = "request_key"
# ... that it was answered as a known one ...
KNOWN: Final = "is_known"
# ... that it is a read of an anonymous caller, so that its body holds no secret ...
ANONYMOUS_READ: Final = "is_anonymous_read"
# ... and what a surface has read in its body.
ASKED: Final = "asked"
# What a scope holds that depends on the head and the address alone ...
OF_HEAD: Final = (
    *("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "method", "path", "raw_path"),
    *("query_string", "headers", "state", "head", ARE_HEADERS_READ),
)
# ... or on the body besides.
OF_BODY: Final = (KEY, ASKED)


class RepeatedHead(NamedTuple):
    """What a head says, and what was read in the body that came with it first, where that may be kept."""

    scope: Scope
    # Bytes of the body.
    length: int
    is_anonymous: bool
    body: bytes | None
    of_body: dict[str, Any]

    def make_scope(self, body: bytes) -> Scope:
        """Return a scope for another request with this head."""
        scope = {**self.scope, "state": self.scope["state"].copy()}
        if body == self.body:
            scope.update(self.of_body)
        return scope


def make_repeated_heads() -> SizedStore[RepeatedHead]:
    """Return the store of a worker, by address and head.

    The address is part of the key: it decides who is charged, and whether the headers of proxies are believed.
    """
    return SizedStore(SIZE)


def split_head(data: bytes) -> tuple[bytes, bytes]:
    """Return the head at the beginning of these bytes, and what follows it; no head where none ends here."""
    end = data.find(END) + len(END)
    return (data[:end], data[end:]) if end >= len(END) else (b"", data)


def remember_head(store: SizedStore[RepeatedHead], scope: Scope, address: str, data: bytes, body: bytes) -> None:
    """Remember the head of these bytes, which were a whole request that needed no task, and came from this address.

    A request with an id of its own is not remembered, for the next one has another id.
    """
    head, rest = split_head(data)
    length = int(scope["head"].get(CONTENT_LENGTH, b"0"))
    # The parser may take other ends of lines, and knows of encodings in which the body is longer.
    is_plain = rest == body and len(body) == length
    if not is_plain or REQUEST_ID in scope["head"] or max(len(head), length) > LONGEST:
        return
    is_read = KNOWN in scope or ANONYMOUS_READ in scope
    repeated = RepeatedHead(
        {name: scope[name] for name in OF_HEAD if name in scope},
        length,
        AUTHORIZATION not in scope["head"],
        body if is_read else None,
        {name: scope[name] for name in OF_BODY if name in scope} if is_read else {},
    )
    store.keep((address, head), repeated, PARSED_BYTES + len(head) + (2 * length if is_read else 0))
