"""Settings: the environment, read once and checked."""
