"""Tests of the GraphQL contract."""
