"""A hook of schemathesis: each good request has an idempotency key of its own, or it would be told that it is another's."""

from typing import Any, Final
from uuid import uuid4

import schemathesis

HEADER: Final = "Idempotency-Key"


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:  # noqa: ANN401 - as schemathesis calls it
    """Give a good request a key that nobody has used."""
    if case.meta and case.meta.generation.mode.is_positive and HEADER in (case.headers or {}):
        case.headers[HEADER] = uuid4().hex
