"""Decides which content coding an answer may have (RFC 9110, section 12.5.3)."""

import re
from functools import lru_cache
from typing import Final

# RFC 9110, section 12.4.2: 0 to 1 with three digits at most.
QUALITY: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a client takes gzip: by name or by `*`, and with a weight above 0."""
    weights = read_weights(accept_encoding)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def read_weights(header: str) -> dict[str, float]:
    """Return the weights, 0 to 1, of what a negotiated header lists.

    An element whose weight breaks the grammar is ignored: what it means cannot be known.
    """
    weights: dict[str, float] = {}
    for element in header.lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = read_weight(parameters)
        if name and weight is not None:
            weights[name] = max(weights.get(name, 0.0), weight)
    return weights


def read_weight(parameters: list[str]) -> float | None:
    """Return the `q` among parameters: 1 without one, None for one that breaks the grammar."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if QUALITY.fullmatch(value.strip()) else None
    return 1.0
