"""Answers of the events surface (docs/contract/events.md)."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict

from db import ids
from db.models import Event as EventRow
from db.models import EventReservation as ReservationRow
from rest.endpoint import JSON

EventId = Annotated[
    str, Field(json_schema_extra={"format": "uuid"}, examples=[str(ids.to_uuid("evt", 7262193846145024))])
]
ReservationId = Annotated[
    str, Field(json_schema_extra={"format": "uuid"}, examples=[str(ids.to_uuid("evr", 7262193846145025))])
]
Instant = Annotated[datetime, Field(examples=["2026-11-20T18:30:00.123456+00:00"])]


class Event(TypedDict):
    """An event."""

    id: EventId
    name: Annotated[str, Field(examples=["Rocket to Mars"])]
    description: Annotated[str, Field(examples=["I'm nobody's taxi service."])]
    date: Annotated[datetime, Field(examples=["2047-10-21T09:00:00+00:00"])]
    availability: Annotated[int, Field(description="How many tickets are left.", examples=[198])]
    created_at: Instant
    updated_at: Instant


class Reservation(TypedDict):
    """Tickets of an event."""

    id: ReservationId
    event_id: EventId
    no_of_tickets: Annotated[int, Field(examples=[2])]
    cancelled: Annotated[bool, Field(examples=[False])]
    created_at: Instant
    updated_at: Instant


def render_event(row: EventRow) -> Event:
    """Return an event as it is answered."""
    return {
        "id": str(ids.to_uuid("evt", row.id)),
        "name": row.name,
        "description": row.description,
        "date": row.date,
        "availability": row.availability,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def render_reservation(row: ReservationRow) -> Reservation:
    """Return a reservation as it is answered."""
    return {
        "id": str(ids.to_uuid("evr", row.id)),
        "event_id": str(ids.to_uuid("evt", row.event_id)),
        "no_of_tickets": row.tickets,
        "cancelled": row.cancelled,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def render_events_json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:  # noqa: ANN401 - JSON
    """Return an answer whose instants end in +00:00. It shows stock, so no cache may store it."""
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store", **(headers or {})}, JSON)
