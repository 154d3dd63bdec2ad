"""Tests of the cinema surface (docs/contract/cinema.md)."""
