"""Matinee beside the servers that a team would use instead: one database, the same data and queries, in turns."""
