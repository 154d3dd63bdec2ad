"""The GraphQL side only: ids in, rows out, a transaction around each change."""
