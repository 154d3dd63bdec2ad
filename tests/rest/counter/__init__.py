"""Tests of the counter surface (docs/contract/counter.md)."""
