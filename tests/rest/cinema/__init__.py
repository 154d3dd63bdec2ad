"""Tests of document 000 at /v1."""
