"""Entry point of the `matinee` command: loads everything with the garbage collector off, then runs it."""

from runtime.tuning import hide_package, load_without_collecting

# Typer brings rich, and structlog imports it wherever it is installed, for tracebacks that runtime/logs.py does not use: 3 MB.
with load_without_collecting(), hide_package("rich"):
    from cli.main import main

if __name__ == "__main__":
    main()
