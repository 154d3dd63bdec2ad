"""Counts sign-ins and sign-ups against their rate limits, by network address and by account."""

from typing import Final

from edge.services import Services
from runtime.rate_limits import Rate, Visitor

SIGN_IN: Final = "sign-in"
SIGN_UP: Final = "sign-up"


def count_sign_in(services: Services, visitor: Visitor, account: str) -> None:
    """Count a sign-in, right or wrong, for its address and its account; raise RateLimited."""
    _count_account(services, visitor, SIGN_IN, account, services.settings.limits.sign_in)


def count_sign_up(services: Services, visitor: Visitor, account: str) -> None:
    """Count a sign-up for its address and for the name of the account; raise RateLimited."""
    _count_account(services, visitor, SIGN_UP, account, services.settings.limits.sign_up)


def _count_account(services: Services, visitor: Visitor, name: str, account: str, rate: Rate | None) -> None:
    if rate is not None:
        # The address first, so that a blocked address cannot use up another user's account.
        visitor.count(services.rate_windows, name, f"from {visitor.address}", rate)
        visitor.count(services.rate_windows, name, f"into {account.casefold()}", rate)
