"""The generated secret of a development server, kept in its data directory."""

import os
import secrets as randomness
from pathlib import Path

from config.variables import SECRET_BYTES, SettingsError


def read_or_make_secret(file: Path) -> bytes:
    """Return the secret in a file, which is made where it is missing; raise SettingsError for a short one, and OSError."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"secret.{randomness.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(randomness.token_hex(SECRET_BYTES), encoding="ascii")
        try:
            # A link is created whole or not at all: processes that start together all read one secret.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    secret = file.read_bytes().strip()
    if len(secret) < SECRET_BYTES:
        raise SettingsError(f"{file} holds no secret of {SECRET_BYTES} bytes. Delete it, and a new one is made")
    return secret
