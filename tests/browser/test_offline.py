"""Without a network: said plainly, nothing lost, and back by itself."""

from typing import Final

from playwright.sync_api import expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor

# Chromium says so itself, whatever the page does.
CUT: Final = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")


def test_unreachable_page_loads_once_network_is_back(visitor: Visitor) -> None:
    visitor.expect_trouble(*CUT)
    visitor.sign_in()
    page = visitor.visit("/account")
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    for place in range(links.count()):
        page.context.set_offline(offline=True)
        links.nth(place).click()
        expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
        expect(page.locator("#offline")).to_be_visible()
        if place == 0:
            visitor.look("offline")
        page.context.set_offline(offline=False)
        expect(page.get_by_role("heading", name="You are offline")).to_have_count(0)
        visitor.settled()
        expect(page.locator("#offline")).to_be_hidden()


def test_failed_confirmation_can_be_sent_again(visitor: Visitor, cinema: Cinema) -> None:
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
