"""The services that app.py makes once and hands to GraphQL, REST and the jobs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from config.settings import Settings
from db.engine import Database, StatementRunner
from db.idempotency_cipher import IdempotencyCipher
from db.statement_batching import StatementBatcher
from domain.page_view import NewPageView
from domain.persisted_query_cache import PersistedQueryCache
from domain.trusted_document_cache import TrustedDocumentCache
from edge.idempotency_batching import IdempotencyBatcher
from edge.repeated_heads import RepeatedHead
from edge.response_cache import ResponseCache
from identity.passwords import Hashing
from identity.tokens import Keys, SignOuts
from live.broadcast import Broadcasts
from live.topics import Topics
from runtime.admission_control import AdmissionControl
from runtime.live_metrics import LiveMetrics
from runtime.metrics import UsageMetrics
from runtime.planner_metrics import PlannerMetrics
from runtime.rate_limits import RateWindows
from runtime.request_count import RequestCounter
from runtime.sized_store import SizedStore
from upstreams.catalogue import Catalogue
from upstreams.prices import Prices
from upstreams.store import Store

# The services below whose changes share a commit: an operation whose effect is one such change names its own.
SharedCommits = Literal["booking_commits", "reservation_commits", "rating_commits", "ticket_commits"]
Span = Callable[[str, Mapping[str, str]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """Lives as long as the server; a request finds it at `request.state.services`."""

    settings: Settings
    database: Database
    keys: Keys
    passwords: Hashing
    # Knows the users whose tokens were ended by signing out everywhere.
    sign_outs: SignOuts
    page_views: StatementBatcher[NewPageView]
    # Commits changes of bookings; those that arrive together share one commit (db/commit_batching.py).
    booking_commits: StatementRunner
    catalogue: Catalogue
    # The requests that this machine has served.
    request_counter: RequestCounter
    # Commits changes of event reservations likewise.
    reservation_commits: StatementRunner
    # Commits ratings likewise.
    rating_commits: StatementRunner
    # Commits changes of the counter's tickets likewise.
    ticket_commits: StatementRunner
    # Does so for requests with an idempotency key, whose responses are recorded in the same commit.
    idempotency_batchers: Mapping[SharedCommits, IdempotencyBatcher]
    prices: Prices
    # Files of exports.
    store: Store
    # Trusted documents.
    trusted_documents: TrustedDocumentCache
    # Queries that clients have sent once, and may send by hash from then on.
    persisted_queries: PersistedQueryCache
    # Counts the fields and documents that clients request.
    usage_metrics: UsageMetrics
    # Counts comparisons of planned answers with the executor's.
    planner_metrics: PlannerMetrics
    # Answers of the programme that are the same for all anonymous callers.
    response_cache: ResponseCache
    # What heads of requests say that arrive again and again.
    repeated_heads: SizedStore[RepeatedHead]
    # The counts of the rate limits.
    rate_windows: RateWindows
    # The topics that subscribers follow.
    topics: Topics
    # Runs that subscribers of the same operation share.
    broadcasts: Broadcasts[Any]
    # Counts open streams, and notices of changes.
    live_metrics: LiveMetrics
    # Bounds the cost of the queries that run at once.
    admission: AdmissionControl
    # Encrypts recorded responses of requests with an idempotency key.
    cipher: IdempotencyCipher
    # Runs a block in a span of this name and with these attributes; None where nothing is traced.
    trace_span: Span | None
    # Entered around calls of third parties: a request with a key has a transaction, which does not wait for them (edge/idempotency.py).
    outside_transaction: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
