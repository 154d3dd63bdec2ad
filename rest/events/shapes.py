"""How the lists of the events surface are read from their rows (docs/contract/events.md)."""

from typing import Final

from rest.json_fields import WHOLE, Shape, column, instant_with_offset, uuid_id

EVENTS: Final = Shape(
    "",
    {
        "id": uuid_id("evt"),
        "name": column("name"),
        "description": column("description"),
        "date": column("date", instant_with_offset),
        "availability": column("availability", WHOLE),
        "created_at": column("created_at", instant_with_offset),
        "updated_at": column("updated_at", instant_with_offset),
    },
)
RESERVATIONS: Final = Shape(
    "",
    {
        "id": uuid_id("evr"),
        "event_id": uuid_id("evt", "event_id"),
        "no_of_tickets": column("tickets", WHOLE),
        "cancelled": column("cancelled", WHOLE),
        "created_at": column("created_at", instant_with_offset),
        "updated_at": column("updated_at", instant_with_offset),
    },
)
