"""Counts sign-ins and sign-ups against their rates, by where they come from and by the account."""

from typing import Final

from edge.services import Services
from runtime.rate_limits import Rate, Visitor

SIGN_IN: Final = "sign-in"
SIGN_UP: Final = "sign-up"


def count_sign_in(services: Services, visitor: Visitor, account: str) -> None:
    """Count a sign-in for where it comes from and for its account, be it right or wrong; raise RateLimited."""
    _count_account(services, visitor, SIGN_IN, account, services.settings.limits.sign_in)


def count_sign_up(services: Services, visitor: Visitor, account: str) -> None:
    """Count an account to be made for where it comes from and for its name; raise RateLimited."""
    _count_account(services, visitor, SIGN_UP, account, services.settings.limits.sign_up)


def _count_account(services: Services, visitor: Visitor, name: str, account: str, rate: Rate | None) -> None:
    if rate is not None:
        # In this order: who has used up their own share cannot use up that of somebody else's account too.
        visitor.count(services.rate_windows, name, f"from {visitor.address}", rate)
        visitor.count(services.rate_windows, name, f"into {account.casefold()}", rate)
