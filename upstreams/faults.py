"""Faults of third parties, with texts of our own: a library's text may contain an address or a credential."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

# The longest `Retry-After` that is obeyed.
MAX_RETRY_AFTER_SECONDS: Final = 60.0
# RFC 9110, section 10.2.3; Python would also read signs, exponents, underscores and other alphabets' digits.
DELAY_SECONDS: Final = re.compile("[0-9]{1,9}")
# RFC 9110, section 5.6.7, with its two older forms. Python's parser raises OverflowError on longer numbers.
HTTP_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
    r"|[A-Z][a-z]{5,8}, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}"
)
# Statuses that blame our credentials, and statuses after which another attempt may succeed.
OUR_CREDENTIALS: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
)
PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Fault(Exception):
    """An attempt that failed. `reason` holds no secret.

    `unsent` says that the third party cannot have received the request, `passing` that another attempt may succeed;
    `retry_after` is the number of seconds that it asked to wait.
    """

    def __init__(self, reason: str, *, unsent: bool = False, passing: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unsent = unsent
        self.passing = passing
        self.retry_after = retry_after


class SlowError(Exception):
    """An attempt has not answered within `patience`; it goes on beside the next one."""


def translate_error(error: httpx.HTTPError | httpx.InvalidURL) -> Fault:
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


def translate_status(status: int, headers: Mapping[str, str]) -> Fault | None:
    """Return the fault that a status stands for, None for an answer: success, or a refusal of the request itself."""
    if status in OUR_CREDENTIALS:
        return Fault("our credentials are refused", passing=False)
    if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fault(f"status {status}", retry_after=read_retry_after(headers.get("retry-after", "")))
    if status < HTTPStatus.OK or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # A redirect is not followed: it would carry our credentials to wherever it points.
        return Fault(f"status {status}", passing=False)
    return None


def read_retry_after(retry_after: str) -> float:
    """Return the seconds in a `Retry-After` header, a number or a date; 0 where it is neither."""
    is_number = DELAY_SECONDS.fullmatch(retry_after.strip(" \t"))
    seconds = float(retry_after) if is_number else _seconds_until(retry_after)
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str) -> float:
    if not HTTP_DATE.fullmatch(date.strip(" \t")):
        return 0.0
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()
