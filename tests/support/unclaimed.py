"""The `matinee` command without the claim of idempotency keys: what the race must find out (see unguarded.py)."""

from cli.main import main
from domain import idempotency

idempotency.TRY_LOCK = "SELECT true OR %(lock)s IS NULL"  # type: ignore[misc]

if __name__ == "__main__":
    main()
