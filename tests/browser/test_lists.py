"""Long lists, page by page: what a visitor is looking at stays where it is, however slow the next page is."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_collections import collection
from tests.support.browser_cinema import Cinema, Customer
from tests.support.browser_visitor import Visitor, on_phone

# What moves within half a second of a click is taken for the visitor's own doing.
LATE_MS: Final = 800


def bookings(cinema: Cinema, customer: Customer) -> str:
    """Return the page of one booking more than two pages of them hold."""
    session = cinema.session(free=41).id
    for _ in range(41):
        customer.hold(session, seats=1)
    return "/my/bookings"


def catalogue(cinema: Cinema, customer: Customer) -> str:
    """Return the page of an empty collection, with the catalogue to fill it from."""
    return f"/my/collections/{collection(cinema, customer, films=0)}"


def prices(cinema: Cinema, customer: Customer) -> str:  # noqa: ARG001 - as the others
    """Return the page of prices."""
    return "/prices"


@on_phone
@pytest.mark.parametrize(
    ("path_of", "items", "counts"),
    [(bookings, ".booking-row", (20, 40)), (catalogue, ".catalogue li", (30, 60)), (prices, ".offer", (24, 48))],
)
def test_slow_next_page_does_not_shift_layout(
    visitor: Visitor,
    cinema: Cinema,
    path_of: Callable[[Cinema, Customer], str],
    items: str,
    counts: tuple[int, int],
) -> None:
    page = visitor.visit(path_of(cinema, visitor.sign_in()))
    expect(page.locator(items)).to_have_count(counts[0])

    def late(route: Route) -> None:
        page.wait_for_timeout(LATE_MS)
        route.continue_()

    visitor.blame_answers()
    page.route("**/graphql", late)
    page.locator(".onward button").click()
    expect(page.locator(items)).to_have_count(counts[1])
    page.unroute_all(behavior="ignoreErrors")
