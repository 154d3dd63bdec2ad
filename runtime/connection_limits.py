"""Limits on the connections of a worker: how long a request may take to arrive, and how many one address may have open."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

# What a household or a machine is given of an IPv6 address; the rest it may change as it likes.
NETWORK_BITS: Final = 64
ADDRESS_BITS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits, with the defaults of their variables (config/limits.py)."""

    # From the first byte of a request, or from the connection's beginning, to the end of its headers.
    head_seconds: float = 10.0
    # From there to the end of the body; and how long a client may leave an answer unread.
    body_seconds: float = 60.0
    connections: int = 1000


@dataclass(slots=True)
class ConnectionCounter:
    """Counts what each address has open, up to a limit; a trusted proxy stands for many and has none."""

    most: int
    # Addresses and networks, separated by commas.
    trusted_proxies: str = ""
    _open: Counter[str] = field(default_factory=Counter)
    _trusted: list[IPv4Network | IPv6Network] = field(init=False)

    def __post_init__(self) -> None:
        """Read the proxies once."""
        self._trusted = [ip_network(each, strict=False) for each in self.trusted_proxies.split(",") if each]

    def enter(self, address: str) -> bool:
        """Count one more, and return True; return False where the address has as many as it may have."""
        network = find_network(address)
        if self._open[network] >= self.most and not self._is_trusted(address):
            return False
        self._open[network] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less of what has entered."""
        network = find_network(address)
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def find_network(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    network = int(parsed) >> (ADDRESS_BITS - NETWORK_BITS) << (ADDRESS_BITS - NETWORK_BITS)
    return f"{IPv6Address(network)}/{NETWORK_BITS}"
