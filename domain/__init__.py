"""The business rules, without HTTP and GraphQL."""
