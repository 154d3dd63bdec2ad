"""The embedded PostgreSQL: a separate server process, shared by all processes that use a data directory."""
