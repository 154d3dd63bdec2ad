"""What app.py makes once and hands to every door: GraphQL, REST and the jobs."""

from dataclasses import dataclass
from typing import Any

from auth import Keys, Passwords
from db.batches import Batches
from db.engine import Database
from db.shared import Shared
from db.tally import Tally
from db.windows import Windows
from domain.page_view import Seen
from domain.registry import Registry
from resolvers.audiences import Audiences
from resolvers.live import Live
from settings import Settings
from upstreams.catalogue import Catalogue
from upstreams.prices import Prices
from upstreams.store import Store
from web.streaming import Streaming
from web.usage import Usage


@dataclass(frozen=True, slots=True)
class Services:
    """Lives as long as the server; a request finds it at `request.state.services`."""

    settings: Settings
    database: Database
    keys: Keys
    passwords: Passwords
    page_views: Batches[Seen]
    # For the changes of bookings: those that arrive together share one commit.
    shared: Shared
    catalogue: Catalogue
    # The requests that this machine has served.
    tally: Tally
    # The same for reservations of events.
    shared_tickets: Shared
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
