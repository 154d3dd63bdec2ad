"""What every request crosses before its door."""
