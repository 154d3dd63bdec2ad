"""Entry point of the `matinee` command: loads everything with the garbage collector off, then runs it."""

from runtime.tuning import load_without_collecting

with load_without_collecting():
    from cli.main import main

if __name__ == "__main__":
    main()
