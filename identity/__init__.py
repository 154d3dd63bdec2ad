"""Authentication of callers: tokens, passwords, accounts."""
