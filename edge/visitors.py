"""Where requests come from, and how much of what has a rate they have used up."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from edge.services import Services
from errors import RateLimited
from runtime.connection_limits import network_of
from runtime.rate_windows import Quota, Rate, RateWindows

SIGN_IN: Final = "sign-in"
SIGN_UP: Final = "sign-up"


@dataclass(slots=True)
class Visitor:
    """Who sent a request, as far as the network tells, and what is left of the rates that it has been counted for."""

    address: str
    quotas: dict[str, Quota] = field(default_factory=dict)

    def count(self, windows: RateWindows, name: str, key: str, rate: Rate, amount: int = 1) -> None:
        """Count an amount for a key of this rate; raise RateLimited where that is more than is left."""
        quota = windows.take(f"{name} {key}", amount, rate)
        before = self.quotas.get(name)
        if before is None or quota.left < before.left or not quota.allowed:
            self.quotas[name] = quota
        if not quota.allowed:
            raise RateLimited(seconds=quota.seconds)


def visitor(scope: MutableMapping[str, Any]) -> Visitor:
    """Return who sent this ASGI request, the same each time it is asked; Edge tells them what is left (headers)."""
    found: Visitor | None = scope.get("visitor")
    if found is None:
        client = scope.get("client")
        found = scope["visitor"] = Visitor(network_of(client[0]) if client else "")
    return found


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


def format_headers(scope: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the headers on the rates that a request was counted for (draft-ietf-httpapi-ratelimit-headers)."""
    found: Visitor | None = scope.get("visitor")
    if found is None or not found.quotas:
        return []
    quotas = found.quotas.items()
    policies = ", ".join([format_policy(name, quota.rate) for name, quota in quotas])
    left = ", ".join([f'"{name}";r={quota.left};t={quota.seconds}' for name, quota in quotas])
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]


@lru_cache(maxsize=64)
def format_policy(name: str, rate: Rate) -> str:
    """Return a rate as an item of `RateLimit-Policy`."""
    return f'"{name}";q={rate.amount};w={rate.seconds}'
