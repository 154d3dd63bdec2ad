"""Live data: topics that subscribers follow, and one run for all who follow the same."""
