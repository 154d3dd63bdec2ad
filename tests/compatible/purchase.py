"""One purchase whose steps go to different servers, as a proxy spreads them while servers are replaced."""

import secrets
from itertools import cycle
from typing import Any, Final

import httpx

from tests.failover.buyers import PASSWORD
from tests.failover.programs import FaultError

SEATS: Final = 2
BOOKINGS: Final = "{ viewer { bookings(first: 1) { nodes { status reservedSeats } } } }"


def purchase(*addresses: str, session: int) -> None:
    """Sign up, sign in, book, reserve, confirm and read, each step at the next server; raise FaultError where one fails."""
    servers, headers = cycle(addresses), dict[str, str]()
    account = {"email": f"{secrets.token_hex(8)}@example.org", "password": PASSWORD}

    def send(path: str, **body: object) -> dict[str, Any]:
        answer = httpx.post(f"{next(servers)}{path}", json=body, headers=headers, timeout=15)
        if not answer.is_success:
            raise FaultError(f"{answer.url} was answered {answer.status_code}: {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    send("/v1/auth/signup", **account)
    headers["Authorization"] = f"Bearer {send('/v1/auth/signin', **account)['token']}"
    booking = send(f"/v1/sessions/ses_{session}/book")["booking"]["id"]
    send(f"/v1/bookings/{booking}/reserve", seats=SEATS)
    send(f"/v1/bookings/{booking}/confirm")
    # At each server once: what one has written the other reads.
    for _ in addresses:
        found = send("/graphql", query=BOOKINGS)
        if found["data"]["viewer"]["bookings"]["nodes"] != [{"status": "CONFIRMED", "reservedSeats": SEATS}]:
            raise FaultError(f"the booking is not there: {found}")
