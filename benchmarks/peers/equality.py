"""Proof that all servers of a scenario answer the same, before any of them is timed."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import psycopg

from benchmarks.peers.requests import Load, Request
from benchmarks.peers.scenarios import POSTGRAPHILE
from benchmarks.peers.servers import PeerError, Server

# Different on purpose: cursors are signed, and tokens are new each time.
OPAQUE: Final = frozenset({"token", "end_cursor", "endCursor"})
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
KINDS: Final = {"movies": "mov", "node": "mov", "places": "plc", "sessions": "ses"}
MOST_REQUESTS: Final = 8


def normalize(value: Any, *, new_bookings: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with one spelling for each instant and without what is opaque; new bookings lose their ids."""
    if isinstance(value, Mapping):
        return {
            key: bool(each) if key in OPAQUE else normalize(each, new_bookings=new_bookings)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [normalize(each, new_bookings=new_bookings) for each in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    if new_bookings and isinstance(value, str) and value.startswith("bok_"):
        return "bok_…"
    return value


def translate(value: Any, kind: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return an answer of PostGraphile as Matinee spells it: its own ids, and airing dates as an object."""
    if isinstance(value, list):
        return [translate(each, kind) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: translate(each, KINDS.get(key, kind)) for key, each in value.items()}
    if "id" in found:
        found["id"] = f"{kind}_{found['id']}"
    if "from" in found:
        first, last = found.pop("from"), found.pop("to")
        found["airingDates"] = {"from": first, "to": last} if first else None
    return found


def ask(server: Server, load: Load, *, writes: bool) -> list[Any]:
    """Return the normalized answers to the first requests of a load, and to what follows each; raise PeerError."""
    answers = []
    with httpx.Client(base_url=server.address, timeout=30) as client:
        waiting = list(load.requests[:MOST_REQUESTS])
        while waiting:
            text = send(client, server, waiting.pop(0))
            body = json.loads(text) if text else None
            # Matinee tells an operation's cost beside the data.
            body = body.get("data", body) if body else None
            if server.name == POSTGRAPHILE:
                body = translate(body)
            answers.append(normalize(body, new_bookings=writes))
            waiting += [follow(each.request, text) for each in load.follow_ups if each.marker in text]
    return answers


def send(client: httpx.Client, server: Server, request: Request) -> str:
    """Return the body of an answer; raise PeerError on a refusal."""
    headers = {"Content-Type": "application/json"} if request.body else {}
    if request.token:
        headers["Authorization"] = f"Bearer {request.token}"
    answer = client.request(request.method, request.path, content=request.body or None, headers=headers)
    if answer.status_code >= httpx.codes.BAD_REQUEST or '"message"' in answer.text:
        raise PeerError(f"{server.name} answers {answer.status_code}: {answer.text[:1000]}")
    return answer.text


def follow(request: Request, text: str) -> Request:
    """Return the request that follows an answer, with the id of the booking in it."""
    found = re.search(r"bok_\d+", text)
    return Request(
        request.method, request.path, request.token, request.body.replace("BOOKING", found[0] if found else "")
    )


def ask_database(connection: psycopg.Connection[Any], load: Load) -> list[Any]:
    """Return what the statements of pgbench answer, normalized."""
    found = [connection.execute(each.encode()).fetchone() for each in load.statements[:MOST_REQUESTS]]
    return [normalize(json.loads(row[0])) if row else None for row in found]


def require_same(name: str, found: Sequence[Any], expected: Sequence[Any], *, reference: str) -> None:
    """Raise PeerError where a server does not answer as the reference does, and say where."""
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        place = first_difference(one, other)
        if place:
            raise PeerError(f"{name} does not answer request {number} as {reference} does, at {place}")


def first_difference(one: Any, other: Any, path: str = "$") -> str:  # noqa: ANN401 - JSON
    """Return where two JSON values differ first, and how; an empty string where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        parts = [first_difference(one[key], other[key], f"{path}.{key}") for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        parts = [first_difference(mine, theirs, f"{path}[{place}]") for place, (mine, theirs) in pairs]
    else:
        return "" if one == other else f"{path}: {json.dumps(one)[:200]} against {json.dumps(other)[:200]}"
    return next(filter(None, parts), "")
