"""Planned reads: a query becomes one SQL statement that builds the JSON text of its answer."""
