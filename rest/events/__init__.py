"""The events surface at /events/ and /reservations/ (docs/contract/events.md)."""
