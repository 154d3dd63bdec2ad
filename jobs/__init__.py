"""Long and periodic work, queued in the same PostgreSQL as the data."""
