"""Tickets sold at the counter: document 003 at the addresses under /api/."""
