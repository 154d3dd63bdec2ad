"""Document 000, the cinema, at /v1: a file a noun."""
