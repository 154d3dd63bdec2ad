"""Tests of what GraphQL does, seen by a client."""
