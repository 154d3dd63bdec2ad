"""The prices surface at /v1/offers and /v1/exports (docs/contract/prices.md)."""
