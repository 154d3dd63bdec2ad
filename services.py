"""What app.py makes once and hands to every door: GraphQL, REST and the jobs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from auth import Hashing, Keys
from db.batches import Batches
from db.engine import Database, Reading
from db.seals import Seal
from db.tally import Tally
from db.windows import Windows
from domain.page_view import Seen
from domain.registry import Registry
from resolvers.audiences import Audiences
from resolvers.live import Live
from resolvers.room import Room
from settings import Settings
from upstreams.catalogue import Catalogue
from upstreams.prices import Prices
from upstreams.store import Store
from web.streaming import Streaming
from web.usage import Usage

Span = Callable[[str, Mapping[str, str]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """Lives as long as the server; a request finds it at `request.state.services`."""

    settings: Settings
    database: Database
    keys: Keys
    passwords: Hashing
    page_views: Batches[Seen]
    # For the changes of bookings: those that arrive together share one commit (db/shared.py).
    shared: Reading
    catalogue: Catalogue
    # The requests that this machine has served.
    tally: Tally
    # The same for reservations of events.
    shared_tickets: Reading
    prices: Prices
    # Files of exports.
    store: Store
    # Trusted documents.
    documents: Registry
    # What GraphQL clients ask for.
    usage: Usage
    # What has been counted against the limits that are rates.
    windows: Windows
    # What subscribers look at.
    live: Live
    # Those of them who are to be told the same.
    audiences: Audiences[Any]
    # Counts them, and the notices that they hear by.
    streaming: Streaming
    # For queries, which take turns in it.
    room: Room
    # What is kept of requests with an idempotency key.
    seal: Seal
    # Where traces are wanted, what puts a piece of work into a span with this name and these attributes.
    span: Span | None
    # Entered around calls of third parties: a request with a key has a transaction, which does not wait for them (keyed.py).
    outside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
