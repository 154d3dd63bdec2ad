"""Without a network: said plainly, nothing lost, and back by itself."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.browser.cinema import Cinema
from tests.browser.visitor import Visitor

# Chromium says so itself, whatever the page does.
CUT: Final = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")


@pytest.mark.parametrize("path", ["/", "/tickets", "/my/collections", "/prices", "/my/bookings"])
def test_a_page_that_cannot_be_reached_comes_by_itself_with_the_network(visitor: Visitor, path: str) -> None:
    visitor.expect_trouble(*CUT)
    visitor.sign_in()
    page = visitor.visit("/account")
    page.context.set_offline(offline=True)
    expect(page.get_by_text("You are offline").first).to_be_visible()
    page.get_by_role("navigation", name="Main").locator(f"a[href='{path}']").click()
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    if path == "/":
        visitor.look("offline")
    page.context.set_offline(offline=False)
    expect(page.get_by_role("heading", name="You are offline")).to_have_count(0)
    visitor.settled()
    expect(page.get_by_text("You are offline").first).to_be_hidden()


def test_a_confirmation_that_did_not_arrive_can_be_sent_again(visitor: Visitor, cinema: Cinema) -> None:
    visitor.expect_trouble(*CUT)
    customer = visitor.sign_in()
    booking = customer.hold(cinema.session().id, seats=2)
    page = visitor.visit(f"/booking/{booking}")
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="Confirm 2 seats").click()
    expect(page.get_by_role("alert")).to_contain_text("Your seats are still held: try again.")
    visitor.look("offline-booking")
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="Confirm 2 seats").click()
    expect(page.get_by_role("heading", name="See you there")).to_be_visible()
