"""The embedded PostgreSQL: a server process of its own, shared by all who use a data directory."""
