"""Batches: what many fields of one request ask for one by one is read by one statement."""
