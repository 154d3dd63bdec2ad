"""Clients of third-party APIs, and stand-ins for those APIs."""
