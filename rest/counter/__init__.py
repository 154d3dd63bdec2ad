"""The counter surface at /api/ (docs/contract/counter.md)."""
