"""The composition root: all routes, middleware and services in one place. Nothing is made at import."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import psycopg
from psycopg import AsyncConnection
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Lifespan, Scope

import graphql_server.begun_answers
import rest.begun_answers
import rest.error_format
from config.settings import Settings
from db import cursors, idempotency_cipher, revision
from db.commit_batching import CommitBatcher
from db.engine import Database
from db.opening import connect_database
from db.pipeline import CountEvent, ignore_event
from db.programme_changes import ProgrammeChanges
from domain import event_reservation, page_view, rating, stock, ticket
from domain.persisted_query_cache import PersistedQueryCache
from domain.trusted_document_cache import TrustedDocumentCache
from edge import addresses, browser_session, probes
from edge.idempotency_batching import IdempotencyBatcher
from edge.middleware import Edge, ShortcutRoute
from edge.own_writes import OwnWrites
from edge.page_existence import page_exists
from edge.repeated_heads import make_repeated_heads, remember_head
from edge.response_cache import ResponseCache
from edge.services import Services
from errors import OutcomeUnknown, Refusal, Refusals, Unavailable
from graphql_server import routes as graphql
from graphql_server.error_responses import render_refusals
from graphql_server.executable_schema import SCHEMA
from graphql_server.field_usage import list_deprecated_fields
from graphql_server.media_types import JSON
from graphql_server.traced_fields import list_resolver_fields
from identity.passwords import Passwords
from identity.tokens import Keys, SignOuts
from jobs import queue, request_count
from live.broadcast import Broadcasts
from live.topics import Topics
from rest import openapi, poster_files
from rest.endpoint import build_route
from rest.endpoint_table import EndpointTable
from rest.endpoints import ENDPOINTS
from runtime.admission_control import AdmissionControl
from runtime.connection_limits import ConnectionCounter
from runtime.metrics import Metrics
from runtime.pending_answers import AnswerAtOnce, AnswerBytes
from runtime.pipeline_metrics import PipelineMetrics
from runtime.planner_metrics import PlannerMetrics
from runtime.position_marks import PositionMarks, join_marks, make_private_marks
from runtime.rate_limits import RateWindows, join_windows, make_private_windows
from runtime.request_count import RequestCounter, RequestSlots, join_counter, make_private_counter
from runtime.response_cache_metrics import ResponseCacheMetrics
from runtime.shared_slots import SharedSlots
from runtime.shutdown import SERVICES_CLOSED, finish, finish_together, limit_to_deadline
from upstreams import catalogue
from upstreams.catalogue import Catalogue
from upstreams.metrics import UpstreamMetrics
from upstreams.prices import Prices
from upstreams.providers import CINEMAWORLD, FILMWORLD, Provider
from upstreams.resilience import Limits, Upstream
from upstreams.store import Store
from web import storefront, tools

if TYPE_CHECKING:
    from runtime.tracing import Tracing

# What ends later is cancelled: a job is rolled back and runs again, a count that was not written is lost.
WORK_END_SECONDS: Final = 1.5
# A process that only runs jobs has no requests to wait for.
JOBS_END_SECONDS: Final = 4.0
SERVICES_END_SECONDS: Final = 1.5
# Passwords that wait to be hashed, in each worker.
MOST_WAITING_HASHES: Final = 64


class State(TypedDict):
    """What `request.state` has."""

    services: Services
    # Called when the server begins to end, before it waits for running requests.
    end_streams: Callable[[], None]
    # Answers requests without a task, where that is possible (runtime/pending_answers.py); None with traces on.
    answer_at_once: AnswerAtOnce | None
    # Answers bytes from an address that are a request whose head is known, without parsing them; None likewise.
    answer_bytes: AnswerBytes | None
    # Remembers the head of a request that needed no task, from an address, all bytes of it, and its body.
    remember_head: Callable[[Scope, str, bytes, bytes], None]


@dataclass(frozen=True, slots=True)
class Process:
    """What a worker process makes before it connects: metrics, traces, and what it shares with the other workers."""

    metrics: Metrics = field(default_factory=Metrics)
    request_counter: RequestCounter = field(default_factory=make_private_counter)
    rate_windows: RateWindows = field(default_factory=make_private_windows)
    hash_slots: SharedSlots | None = None
    tracing: "Tracing | None" = None
    # Positions of users' changes, where there is a standby.
    marks: PositionMarks | None = None


def create_app(
    settings: Settings,
    worker: int = 0,
    *,
    with_jobs: bool = True,
    counts: Path | None = None,
    rates: Path | None = None,
    marks: Path | None = None,
    hash_slots: SharedSlots | None = None,
) -> Starlette:
    """Return the server for these settings, whose `database_url` must be set. It connects when its lifespan begins.

    It runs no jobs (`with_jobs`) in tests, and beside `matinee worker` processes. `counts` is the file in which the workers
    of one server count requests (runtime/request_count.py), and `rates` the file in which they count for rate limits
    (runtime/rate_limits.py); without them this worker counts alone. `marks` is the file in which they note positions of
    changes (runtime/position_marks.py). `hash_slots` bounds the passwords that the workers hash at once
    (runtime/shared_slots.py).
    """
    counter = join_counter(counts, worker=worker) if counts else make_private_counter()
    windows = join_windows(rates) if rates else make_private_windows()
    process = Process(
        Metrics(), counter, windows, hash_slots, _make_tracing(settings), _open_marks(settings, marks, worker=worker)
    )
    process.metrics.usage.add_series(list_deprecated_fields(SCHEMA.graphql))
    adds_up = counter.is_shared and worker == 0
    app = Starlette(
        routes=_list_routes(settings, process.metrics),
        lifespan=_make_lifespan(settings, process, with_jobs=with_jobs, adds_up=adds_up),
    )
    # The edge removes the slash; with a redirect many clients would lose the body of a POST.
    app.router.redirect_slashes = False
    # In place of Starlette's own stack of layers, each of which takes time in every request.
    app.middleware_stack = _make_edge(app, settings, process)
    return app


def _open_marks(settings: Settings, file: Path | None, *, worker: int) -> PositionMarks | None:
    if settings.database_read_url is None:
        return None
    return join_marks(file, worker=worker) if file else make_private_marks()


def _list_routes(settings: Settings, metrics: Metrics) -> list[BaseRoute]:
    return [
        # The router tries one after the other: the addresses that most requests go to are first.
        *graphql.routes(),
        *map(build_route, ENDPOINTS),
        *probes.routes(checks={"database": _check_database, "migrations": _check_migrations}, counted=metrics),
        *storefront.routes(exists=page_exists),
        *browser_session.routes(),
        *tools.routes(addresses.find_base_path(settings.public_url)),
        *openapi.build_document_routes(ENDPOINTS),
        *poster_files.build_poster_routes(),
    ]


def _make_edge(app: Starlette, settings: Settings, process: Process) -> Edge:
    trace = process.tracing.trace_requests if process.tracing else _leave_unchanged
    marks = process.marks
    note = partial(OwnWrites, marks=marks, codec=cursors.make_codec(settings.secrets)) if marks else _leave_unchanged
    begin = graphql_server.begun_answers.begin_answer
    shortcuts = {route.path: ShortcutRoute(note(trace(route.app)), route, begin) for route in graphql.list_shortcuts()}
    table = EndpointTable(app.routes, app.router)
    return Edge(
        note(trace(ExceptionMiddleware(table, handlers=HANDLERS))),
        shortcuts=shortcuts,
        begin=partial(rest.begun_answers.begin_answer, table),
        origins=settings.cors_origins,
        body_bytes=settings.limits.body_bytes,
        metrics=process.metrics,
        request_counter=process.request_counter,
        render=_render_faults,
        slots=RequestSlots(settings.limits.requests),
        websockets=ConnectionCounter(settings.limits.websockets),
    )


def _render_faults(*faults: Refusal, path: str) -> Response:
    # Clients of GraphQL look for the code in `extensions`.
    if path == graphql.PATH and isinstance(faults[0], Unavailable | OutcomeUnknown):
        return render_refusals(list(faults), JSON)
    return rest.error_format.render_faults(*faults, path=path)


def _leave_unchanged(app: ASGIApp) -> ASGIApp:
    return app


async def _answer_missing(request: Request, raised: Exception) -> Response:
    if storefront.wants_page(request):
        return storefront.serve_missing_page(request)
    return await rest.error_format.render_http_exception(request, raised)


HANDLERS: Final = {
    404: _answer_missing,
    HTTPException: rest.error_format.render_http_exception,
    Refusal: rest.error_format.render_refusal,
    Refusals: rest.error_format.render_refusal,
    psycopg.OperationalError: rest.error_format.render_unavailable,
}


def open_database(
    settings: Settings, *, tracing: "Tracing | None" = None, count_event: CountEvent = ignore_event
) -> AbstractAsyncContextManager[Database]:
    """Return the database of these settings, a context manager; raise ValueError without a `database_url`."""
    if settings.database_url is None:
        raise ValueError("the settings need a database_url")
    return connect_database(
        settings.database_url,
        read_conninfo=settings.database_read_url,
        direct_conninfo=settings.database_direct_url,
        cursors=cursors.make_codec(settings.secrets),
        size=settings.pool_size,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
        pipeline_connections=settings.pipeline_connections,
        connection_class=tracing.connection_class() if tracing else AsyncConnection,
        trace_reads=tracing.trace_reads if tracing else None,
        count_event=count_event,
    )


@asynccontextmanager
async def open_services(settings: Settings, process: Process | None = None) -> AsyncIterator[Services]:
    """Yield the services that requests and jobs share; at the end write what still waits to be written."""
    process = process or Process()
    count_event = PipelineMetrics(process.metrics.registry).count
    async with open_database(settings, tracing=process.tracing, count_event=count_event) as database:
        database.notices.on_sent = process.metrics.streaming.count_sent
        passwords = Passwords(slots=process.hash_slots, waiting=_count_waiting_hashes(settings))
        services = _make_services(settings, process, database, passwords)
        database.notices.on_programme_change = services.response_cache.changes.count_own_change
        try:
            yield services
        finally:
            steps = [
                services.topics.close(),
                services.sign_outs.close(),
                services.response_cache.changes.close(),
                services.prices.close(),
                services.page_views.drain(),
                services.catalogue.close(),
            ]
            await finish_together(steps, seconds=limit_to_deadline(SERVICES_END_SECONDS, deadline=SERVICES_CLOSED))
            finish(passwords.close)
            finish(process.metrics.publisher.publish_all)


def _count_waiting_hashes(settings: Settings) -> int:
    # A flood of sign-ins leaves most slots to bookings.
    return min(MOST_WAITING_HASHES, settings.limits.requests // 4)


def _make_services(settings: Settings, process: Process, database: Database, passwords: Passwords) -> Services:
    metrics, of_upstreams = process.metrics, UpstreamMetrics(process.metrics.registry)
    batch = partial(CommitBatcher, database.primary.pool, note=database.primary.note)
    record = partial(IdempotencyBatcher, database.primary.pool, note=database.primary.note)
    return Services(
        settings=settings,
        database=database,
        keys=Keys(settings.secrets, settings.token_seconds),
        passwords=passwords,
        sign_outs=SignOuts(database.primary),
        page_views=page_view.make_batcher(database),
        booking_commits=batch(lock_all=stock.lock_sessions, find_free=stock.find_free),
        reservation_commits=batch(lock_all=event_reservation.lock_events),
        rating_commits=batch(lock_all=rating.lock_movies),
        ticket_commits=batch(lock_all=ticket.lock_shows),
        idempotency_batchers={
            "booking_commits": record(lock_all=stock.lock_sessions, find_free=stock.find_free),
            "reservation_commits": record(lock_all=event_reservation.lock_events),
            "rating_commits": record(lock_all=rating.lock_movies),
            "ticket_commits": record(lock_all=ticket.lock_shows),
        },
        catalogue=Catalogue(settings.catalogue_url, _make_catalogue(settings, of_upstreams)),
        prices=Prices(database, make_providers(settings, of_upstreams), fresh_seconds=settings.offers_fresh_seconds),
        request_counter=process.request_counter,
        rate_windows=process.rate_windows,
        store=Store(settings.exports_url or (settings.data_dir / "exports").as_uri()),
        trusted_documents=TrustedDocumentCache(database.primary),
        persisted_queries=PersistedQueryCache(),
        response_cache=_make_response_cache(settings, metrics),
        repeated_heads=make_repeated_heads(),
        usage_metrics=metrics.usage,
        planner_metrics=PlannerMetrics(metrics.registry),
        live_metrics=metrics.streaming,
        topics=Topics(database, settings.direct_url or "", on_heard=metrics.streaming.count_heard),
        broadcasts=Broadcasts(),
        admission=AdmissionControl(most=RequestSlots(settings.limits.requests).browsing),
        cipher=idempotency_cipher.make_cipher(settings.secrets),
        trace_span=process.tracing.span if process.tracing else None,
    )


def make_providers(settings: Settings, metrics: UpstreamMetrics) -> list[Provider]:
    """Return the price providers that have an address."""
    configured = (
        (CINEMAWORLD, settings.cinemaworld_url, settings.cinemaworld_token),
        (FILMWORLD, settings.filmworld_url, settings.filmworld_token),
    )
    return [Provider(name, url=url, token=token, metrics=metrics) for name, url, token in configured if url]


async def work(settings: Settings) -> None:
    """Run jobs until cancelled."""
    async with open_services(settings) as services:
        running = asyncio.create_task(queue.run_jobs(services))
        try:
            await asyncio.wait([running])
        finally:
            await _end_work([running], seconds=JOBS_END_SECONDS)


async def _end_work(
    running: Sequence[asyncio.Task[None]], *last: Coroutine[Any, Any, None], seconds: float = WORK_END_SECONDS
) -> None:
    """Cancel what runs beside the requests, and do what is done `last`, at the same time."""
    for task in running:
        task.cancel()
    steps = [*(asyncio.wait([task]) for task in running), *last]
    await finish_together(steps, seconds=limit_to_deadline(seconds, deadline=SERVICES_CLOSED))


def _make_catalogue(settings: Settings, metrics: UpstreamMetrics) -> Upstream:
    known = settings.catalogue_user is not None
    credentials = (settings.catalogue_user or "", settings.catalogue_password or "") if known else None
    return Upstream(catalogue.NAME, address=settings.catalogue_url, limits=Limits(), metrics=metrics, basic=credentials)


def _make_response_cache(settings: Settings, metrics: Metrics) -> ResponseCache:
    counted = ResponseCacheMetrics(metrics.registry, metrics.publisher)
    changes = ProgrammeChanges(settings.direct_url or "", on_change=counted.count_change)
    return ResponseCache(settings.response_cache, changes, counted)


def _make_tracing(settings: Settings) -> "Tracing | None":
    # Not imported at the top: a server without traces does not load its 15 MB of libraries.
    return import_module("runtime.tracing").Tracing(settings.traces_url) if settings.traces_url else None


@asynccontextmanager
async def _trace_resolvers(tracing: "Tracing | None") -> AsyncIterator[None]:
    if tracing is None:
        yield
        return
    with tracing.trace_resolvers(list_resolver_fields(SCHEMA.graphql)):
        try:
            yield
        finally:
            await tracing.close()


def _make_lifespan(settings: Settings, process: Process, *, with_jobs: bool, adds_up: bool) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        with closing(process.request_counter), closing(process.rate_windows):
            async with _trace_resolvers(process.tracing), open_services(settings, process) as services:
                services.prices.warm()
                chosen = {queue.run_jobs: with_jobs, request_count.add_up_forever: adds_up}
                running = [asyncio.create_task(each(services)) for each, is_wanted in chosen.items() if is_wanted]
                # A trace has a span for each request, which begins below the edge.
                edge = app.middleware_stack if process.tracing is None else None
                yield State(
                    services=services,
                    end_streams=services.topics.ending.set,
                    answer_at_once=edge.answer_at_once if isinstance(edge, Edge) else None,
                    answer_bytes=partial(edge.answer_bytes, services) if isinstance(edge, Edge) else None,
                    remember_head=partial(remember_head, services.repeated_heads),
                )
                last = [request_count.write_final_count(services)] if process.request_counter.is_shared else []
                await _end_work(running, *last)

    return lifespan


async def _check_database(request: Request) -> str | None:
    database: Database = request.state.services.database
    await database.primary.value("SELECT 1")
    return None


async def _check_migrations(request: Request) -> str | None:
    database: Database = request.state.services.database
    try:
        found = await database.primary.value("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        found = None
    return "the schema is behind; run `matinee migrate`" if revision.is_behind(found) else None
