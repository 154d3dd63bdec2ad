"""Tests of the events surface (docs/contract/events.md)."""
