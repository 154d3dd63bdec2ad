"""The cinema surface at /v1, a file a noun (docs/contract/cinema.md)."""
