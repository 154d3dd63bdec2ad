"""Instants as the outside spells them, the same at every door."""

import re
from datetime import UTC, datetime
from typing import Final

# The profile of ISO 8601 in RFC 3339, with seconds and the colon of the offset left to the caller.
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE)


def read(text: str) -> datetime:
    """Return the instant that a text such as `2026-11-20T19:30:00+01:00` names; raise ValueError without an offset."""
    if not INSTANT.fullmatch(text):
        raise ValueError("not an ISO 8601 instant with an offset")
    return datetime.fromisoformat(text.upper())


def spell(instant: datetime) -> str:
    """Return an instant in UTC, such as `2026-11-20T18:30:00Z`, with microseconds where it has any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
