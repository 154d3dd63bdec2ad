"""Tests of document 001."""
