"""Document 002: accounts by username, the catalogue, collections and the request count, a file a noun."""
