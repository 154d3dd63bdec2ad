"""Tests of document 003."""
