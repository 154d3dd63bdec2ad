"""Limits on the connections of a worker: how long a request may take to arrive, and how many one address may have open."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

# What a household or a machine is given of an IPv6 address; the rest it may change as it likes.
NETWORK_BITS: Final = 64
ADDRESS_BITS: Final = 128
# What comes before an IPv4 address in IPv6's form.
MAPPED_BITS: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits, with the defaults of their variables (config/limits.py)."""

    # From the first byte of a request, or from the connection's beginning, to the end of its headers.
    head_seconds: float = 10.0
    # From there to the end of the body; and how long a client may leave an answer unread.
    body_seconds: float = 60.0
    connections: int = 1000


def exempt_nobody(_: str) -> bool:
    """Return False for each address."""
    return False


@dataclass(slots=True)
class ConnectionCounter:
    """Counts what each address has open, up to a limit, except for those that stand for many, as trusted proxies do."""

    most: int
    is_exempt: Callable[[str], bool] = exempt_nobody
    _open: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> bool:
        """Count one more, and return True; return False where the address has as many as it may have."""
        network = find_network(address)
        if self._open[network] >= self.most and not self.is_exempt(address):
            return False
        self._open[network] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less of what has entered."""
        network = find_network(address)
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]


def unmap_address(address: str) -> str:
    """Return an address, an IPv4 address as such where a socket of IPv6 shows it as `::ffff:192.0.2.1`."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or address)


def read_networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Return addresses and networks, separated by commas; those of IPv4 in IPv6's form as such."""
    return [unmap_network(ip_network(each, strict=False)) for each in text.split(",") if each]


def unmap_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the network of IPv4 that is written in IPv6's form, any other as it is."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


@lru_cache(maxsize=4096)
def find_network(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the network of an IPv6 address."""
    address = unmap_address(address)
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    network = int(parsed) >> (ADDRESS_BITS - NETWORK_BITS) << (ADDRESS_BITS - NETWORK_BITS)
    return f"{IPv6Address(network)}/{NETWORK_BITS}"
