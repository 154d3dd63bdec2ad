"""The composition root: what the server is made of, in one place. Nothing is made at import."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import TypedDict

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import Lifespan

import rest.errors
from auth import Keys, Passwords
from db import migrate
from db.cursors import CursorCodec
from db.engine import Database, connect
from domain.errors import Refusal, Refusals
from rest import probes
from rest.middleware import BodyLimit, Edge, TrailingSlash
from settings import Settings
from web import tools
from web.metrics import Metrics


class State(TypedDict):
    """What lives as long as the server; a request finds it at `request.state`."""

    settings: Settings
    database: Database
    keys: Keys
    passwords: Passwords


def create_app(settings: Settings) -> Starlette:
    """Return the server for these settings, whose `database_url` must be set. It connects when its lifespan begins."""
    metrics = Metrics()
    app = Starlette(
        routes=[
            *probes.routes(checks={"database": _answers, "migrations": _at_head}, counted=metrics),
            *tools.routes(),
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
        lifespan=_lifespan(settings),
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
        cursors=CursorCodec(settings.secrets),
        size=settings.pool_size,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
    )


def _lifespan(settings: Settings) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        passwords = Passwords()
        async with connected(settings) as database:
            yield State(
                settings=settings,
                database=database,
                keys=Keys(settings.secrets, settings.token_seconds),
                passwords=passwords,
            )
        passwords.close()

    return lifespan


# The files of the code do not change while it runs.
_head = cache(migrate.head)


async def _answers(request: Request) -> str | None:
    database: Database = request.state.database
    await database.primary.value("SELECT 1")
    return None


async def _at_head(request: Request) -> str | None:
    database: Database = request.state.database
    try:
        found = await database.primary.value("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        found = None
    return None if found == _head() else "the schema is behind; run `matinee migrate`"
