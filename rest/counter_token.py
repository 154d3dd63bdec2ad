"""Guard of writes on the events surface and of every call of the counter surface: the counter's token, or staff."""

import hmac
from typing import Final

from starlette.requests import Request

from db import ids
from domain import user
from edge.services import Services
from errors import Unauthenticated
from identity.tokens import Actor

HEADER: Final = "X-Auth-Token"
ANOTHER: Final = f"This is for the counter, which sends its token as `{HEADER}`, and for staff."


async def require_token(request: Request, actor: Actor | None) -> None:
    """Raise Unauthenticated or Forbidden unless the counter has no token, or the caller has it or is staff.

    The counter's token is MATINEE_COUNTER_TOKEN (docs/contract/README.md, Who calls).
    """
    services: Services = request.state.services
    token = services.settings.counter_token
    if token is None or _matches_token(request.headers.getlist(HEADER), token):
        return
    if actor is None:
        raise Unauthenticated(problem=ANOTHER)
    await user.require_staff(services.database.primary, actor.user_id)


def name_caller(request: Request, actor: Actor | None) -> str:
    """Return the owner of the request's idempotency key: a user, the counter, or all anonymous callers together."""
    if actor is not None:
        return ids.encode("usr", actor.user_id)
    services: Services = request.state.services
    token = services.settings.counter_token
    return "counter" if token is not None and _matches_token(request.headers.getlist(HEADER), token) else "anonymous"


def _matches_token(given: list[str], token: bytes) -> bool:
    return len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1"), token)
