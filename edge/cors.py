"""Cross-origin requests: lets pages of listed origins call every address, by Starlette's middleware."""

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from errors import format_error_body

ANY_ORIGIN: Final = "*"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Response headers that scripts of other origins may read; browsers hide all others but a few.
EXPOSED: Final = (
    "Age",
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Matinee-Position",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
    "X-Total-Count",
)
# The longest time for which browsers keep the answer to a preflight (Chromium's bound).
PREFLIGHT_SECONDS: Final = 7200


class Cors(CORSMiddleware):
    """Answers preflights, and marks answers for listed origins; a refused preflight is JSON, as all refusals are.

    With `*` no credentials are allowed. With listed origins they are, but the storefront's cookie still counts for its
    own pages alone (edge/browser_session.py). Where any origin is allowed (`is_open`), a request without an `Origin`
    has no need of this layer.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self.is_open = ANY_ORIGIN in origins
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            # Clients send headers of their own choice; which are allowed decides nothing, for no address trusts one.
            allow_headers=["*"],
            allow_credentials=not self.is_open,
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer to a preflight: 200, or 403 with the reason."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        allowed = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        message = f"This server does not accept this cross-origin request: {bytes(response.body).decode()}."
        body = format_error_body(("forbidden", message))
        return Response(orjson.dumps(body), status_code=403, headers=allowed, media_type="application/json")
