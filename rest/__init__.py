"""The REST surfaces, a folder each, over the same rules as GraphQL."""
