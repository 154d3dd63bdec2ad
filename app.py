"""The composition root: what the server is made of, in one place. Nothing is made at import."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypedDict

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import Lifespan

import rest.errors
from auth import Keys, Passwords
from db import cursors, revision
from db.batches import Batches
from db.engine import Database, connect
from db.shared import Shared
from domain import event_reservation, page_view, stock
from domain.errors import Refusal, Refusals
from domain.page_view import Seen
from jobs import queue
from rest import openapi, poster_files, probes
from rest.endpoint import route
from rest.endpoints import ENDPOINTS
from rest.middleware import BodyLimit, Edge, TrailingSlash
from schema import http as graphql
from services import Services
from settings import Settings
from web import tools
from web.metrics import Metrics

# A job that is cut off is rolled back and runs again; the server's own end has a limit of 10 s.
JOBS_END_SECONDS: Final = 2.0


class State(TypedDict):
    """What a request finds at `request.state`."""

    services: Services


def create_app(settings: Settings, *, with_jobs: bool = True) -> Starlette:
    """Return the server for these settings, whose `database_url` must be set. It connects when its lifespan begins.

    Without jobs where nothing may happen by itself: in tests, and beside `matinee worker` processes.
    """
    metrics = Metrics()
    app = Starlette(
        routes=[
            *probes.routes(checks={"database": _answers, "migrations": _at_head}, counted=metrics),
            *tools.routes(),
            *graphql.routes(),
            *map(route, ENDPOINTS),
            *openapi.routes(ENDPOINTS),
            *poster_files.routes(),
        ],
        middleware=[
            Middleware(Edge, metrics=metrics),
            Middleware(BodyLimit),
            Middleware(TrailingSlash),
        ],
        exception_handlers={
            HTTPException: rest.errors.render_http_exception,
            Refusal: rest.errors.render_refusal,
            Refusals: rest.errors.render_refusal,
            psycopg.OperationalError: rest.errors.render_unavailable,
        },
        lifespan=_lifespan(settings, with_jobs=with_jobs),
    )
    # A middleware takes the slash away; a redirect would lose the body of a POST in many clients.
    app.router.redirect_slashes = False
    return app


def connected(settings: Settings) -> AbstractAsyncContextManager[Database]:
    """Return the database of these settings, to be entered; raise ValueError where they name none."""
    if settings.database_url is None:
        raise ValueError("the settings need a database_url")
    return connect(
        settings.database_url,
        read_conninfo=settings.database_read_url,
        cursors=cursors.codec(settings.secrets),
        size=settings.pool_size,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Services]:
    """Yield everything that requests and jobs share; what waits to be written is written before the end."""
    async with connected(settings) as database:

        async def keep(views: Sequence[Seen]) -> None:
            async with database.transaction() as tx:
                await page_view.keep(tx, views)

        passwords = Passwords()
        services = Services(
            settings=settings,
            database=database,
            keys=Keys(settings.secrets, settings.token_seconds),
            passwords=passwords,
            page_views=Batches(keep),
            shared=Shared(database.primary.pool, lock_all=stock.lock_all),
            shared_tickets=Shared(database.primary.pool, lock_all=event_reservation.lock_all),
        )
        try:
            yield services
        finally:
            await services.page_views.drain()
            passwords.close()


async def work(settings: Settings) -> None:
    """Run jobs until cancelled."""
    async with serving(settings) as services:
        await queue.work(services)


def _lifespan(settings: Settings, *, with_jobs: bool) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with serving(settings) as services:
            jobs = asyncio.create_task(queue.work(services)) if with_jobs else None
            yield State(services=services)
            if jobs:
                jobs.cancel()
                await asyncio.wait([jobs], timeout=JOBS_END_SECONDS)

    return lifespan


async def _answers(request: Request) -> str | None:
    database: Database = request.state.services.database
    await database.primary.value("SELECT 1")
    return None


async def _at_head(request: Request) -> str | None:
    database: Database = request.state.services.database
    try:
        found = await database.primary.value("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        found = None
    return "the schema is behind; run `matinee migrate`" if revision.is_behind(found) else None
