"""What app.py makes once and hands to every door: GraphQL, REST and the jobs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from config.settings import Settings
from db.engine import Database, Reading
from db.idempotency_cipher import IdempotencyCipher
from db.statement_batching import StatementBatcher
from domain.page_view import NewPageView
from domain.persisted_query_cache import PersistedQueryCache
from domain.trusted_document_cache import TrustedDocumentCache
from edge.response_cache import ResponseCache
from identity.passwords import Hashing
from identity.tokens import Keys, SignOuts
from live.broadcast import Broadcasts
from live.topics import Topics
from runtime.admission_control import AdmissionControl
from runtime.live_metrics import Streaming
from runtime.metrics import UsageMetrics
from runtime.planner_metrics import PlannerMetrics
from runtime.rate_limits import RateWindows
from runtime.request_count import RequestCounter
from upstreams.catalogue import Catalogue
from upstreams.prices import Prices
from upstreams.store import Store

Span = Callable[[str, Mapping[str, str]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """Lives as long as the server; a request finds it at `request.state.services`."""

    settings: Settings
    database: Database
    keys: Keys
    passwords: Hashing
    # Whose tokens were ended by signing out everywhere.
    sign_outs: SignOuts
    page_views: StatementBatcher[NewPageView]
    # For the changes of bookings: those that arrive together share one commit (db/commit_batching.py).
    booking_commits: Reading
    catalogue: Catalogue
    # The requests that this machine has served.
    request_counter: RequestCounter
    # The same for reservations of events.
    reservation_commits: Reading
    # The same for ratings of movies.
    rating_commits: Reading
    prices: Prices
    # Files of exports.
    store: Store
    # Trusted documents.
    trusted_documents: TrustedDocumentCache
    # Queries that clients may ask for by hash once they have sent them.
    persisted_queries: PersistedQueryCache
    # What GraphQL clients ask for.
    usage_metrics: UsageMetrics
    # What came of planned queries that the executor answered as well.
    planner_metrics: PlannerMetrics
    # Answers of the programme that are the same for all anonymous callers.
    response_cache: ResponseCache
    # What has been counted against the limits that are rates.
    rate_windows: RateWindows
    # What subscribers look at.
    topics: Topics
    # Those of them who are to be told the same.
    broadcasts: Broadcasts[Any]
    # Counts them, and the notices that they hear by.
    live_metrics: Streaming
    # For queries, which take turns in it.
    admission: AdmissionControl
    # What is kept of requests with an idempotency key.
    cipher: IdempotencyCipher
    # Where traces are wanted, what puts a piece of work into a span with this name and these attributes.
    trace_span: Span | None
    # Entered around calls of third parties: a request with a key has a transaction, which does not wait for them (edge/idempotency.py).
    outside_transaction: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
