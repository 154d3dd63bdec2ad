"""What can go wrong with a third party, in our own words: those of libraries may quote an address or a credential."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

# Nobody silences this server for longer than that by one header.
LONGEST_SILENCE_SECONDS: Final = 60.0
# The server is there, but this is no answer: what it says of us, and what another attempt may mend.
OUR_CREDENTIALS: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
)
PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Fault(Exception):
    """An attempt that failed. `reason` is safe to show to anybody.

    `unsent` says that the third party cannot have seen the request, `passing` that another attempt may succeed;
    `retry_after` is the seconds for which it asked to be left alone.
    """

    def __init__(self, reason: str, *, unsent: bool = False, passing: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unsent = unsent
        self.passing = passing
        self.retry_after = retry_after


class SlowError(Exception):
    """An attempt has not answered yet; it goes on, but nobody waits for it alone any longer."""


def of_transport(error: httpx.HTTPError | httpx.InvalidURL) -> Fault:
    """Return the fault behind an error of the HTTP client."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ConnectError():
            return Fault("no connection", unsent=True)
        case httpx.TimeoutException():
            return Fault("no answer in time")
        case httpx.TransportError():
            return Fault("the connection broke")
        case _:
            return Fault("an address or answer that cannot be used", passing=False)


def of_status(status: int, headers: Mapping[str, str]) -> Fault | None:
    """Return the fault that a status stands for, None for an answer: success, or a plain no to what was asked."""
    if status in OUR_CREDENTIALS:
        return Fault("our credentials are refused", passing=False)
    if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fault(f"status {status}", retry_after=silence(headers.get("retry-after", "")))
    if status < HTTPStatus.OK or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # A redirect is not followed: it would carry our credentials to wherever it points.
        return Fault(f"status {status}", passing=False)
    return None


def silence(retry_after: str) -> float:
    """Return the seconds in a `Retry-After` header, be it a number or a date; 0 where it says neither."""
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _seconds_until(retry_after)
    return min(max(seconds, 0.0), LONGEST_SILENCE_SECONDS) if math.isfinite(seconds) else 0.0


def _seconds_until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()
