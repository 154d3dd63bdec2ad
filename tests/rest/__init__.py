"""Tests of the REST doors."""
