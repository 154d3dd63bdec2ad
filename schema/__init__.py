"""The GraphQL contract, readable alone: a file a noun."""
