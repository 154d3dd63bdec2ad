"""The server process: uvicorn, workers, the memory that they share, logs, metrics and traces."""
