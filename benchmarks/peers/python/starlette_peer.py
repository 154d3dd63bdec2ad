"""Starlette for REST: a route a function, psycopg's rows, orjson."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers.python.pool import opened, rows

PUBLIC_URL: Final = os.environ.get("PEER_PUBLIC_URL", "")
LIST: Final = """
    SELECT id, title, description, poster, duration, rating, airing_from, airing_to, rating_order
    FROM movies ORDER BY rating_order DESC, id DESC LIMIT %(limit)s
"""
KEEP: Final = """
    INSERT INTO page_views (tracking_id, type, scheme, path, query)
    VALUES (%(tracking_id)s, %(type)s, %(scheme)s, %(path)s, %(query)s)
"""


class Page(BaseModel):
    """The address of a page, taken apart."""

    scheme: str = Field(min_length=1, max_length=32)
    path: str = Field(max_length=2048)
    query: dict[str, str] = {}


class View(BaseModel):
    """A page that somebody entered or left."""

    tracking_id: str = Field(min_length=1, max_length=255)
    type: str = Field(pattern="^page_(enter|exit)$")
    page: Page


async def list_movies(request: Request) -> Response:
    """Answer a page of movies."""
    limit = int(request.query_params.get("limit", "20"))
    found = await rows(request.state.pool, LIST, limit=limit + 1)
    page = found[:limit]
    key = orjson.dumps([page[-1]["rating_order"], str(page[-1]["id"])]) if page else b""
    metadata = {"has_more": len(found) > limit, "end_cursor": base64.urlsafe_b64encode(key).decode() or None}
    body = {"movies": [film(row) for row in page], "metadata": metadata}
    return Response(orjson.dumps(body), media_type="application/json")


def film(row: dict[str, Any]) -> dict[str, Any]:
    """Return a movie as it is answered."""
    first, last = row["airing_from"], row["airing_to"]
    return {
        "id": f"mov_{row['id']}",
        "title": row["title"],
        "description": row["description"],
        "poster": PUBLIC_URL + row["poster"] if row["poster"].startswith("/") else row["poster"],
        "duration": row["duration"],
        "airing_dates": {"from": first, "to": last} if first else None,
        "rating": row["rating"],
    }


async def track(request: Request) -> Response:
    """Answer without a body once the page view is durable."""
    view = View.model_validate_json(await request.body())
    async with request.state.pool.connection() as connection:
        parameters = {
            "tracking_id": view.tracking_id,
            "type": view.type,
            "scheme": view.page.scheme,
            "path": view.page.path,
            "query": Jsonb(list(view.page.query.items())),
        }
        await connection.execute(KEEP, parameters)
    return Response(status_code=204)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Open the pool for as long as the server runs."""
    async with opened() as pool:
        yield {"pool": pool}


app = Starlette(
    routes=[Route("/v1/movies", list_movies), Route("/v1/analytics/track", track, methods=["POST"])], lifespan=lifespan
)
