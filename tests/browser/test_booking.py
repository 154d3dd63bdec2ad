"""Booking: two seats in five clicks, a clock that runs, and every way that it can end, said plainly."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_desktop, on_phone, visiting
from tests.support.factories import PASSWORD

MOST_CLICKS: Final = 5
# Counted in the browser, so that nothing that a test does is left out: `detail` is 0 for a click by keyboard.
COUNT_CLICKS: Final = """
    addEventListener('click', (event) => event.isTrusted && event.detail &&
        sessionStorage.setItem('clicks', Number(sessionStorage.getItem('clicks')) + 1), true);
"""


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text)).to_be_visible()


def hold(visitor: Visitor, cinema: Cinema, *, free: int = 20) -> Page:
    """Return the page on which a signed-in visitor holds two seats."""
    page = visitor.visit(f"/book/{cinema.session(free=free).id}")
    page.get_by_role("button", name="Hold 2 seats").click()
    expect(page.get_by_role("timer")).to_be_visible()
    return page


def test_new_user_books_two_seats_in_five_clicks(visitor: Visitor, cinema: Cinema) -> None:
    visitor.page.add_init_script(COUNT_CLICKS)
    page = visitor.visit("/")
    page.locator(".film-card").first.click()
    page.locator(".showing:not(.sold-out):not(.few)").first.click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    visitor.settled()
    visitor.look("book-newcomer")
    page.get_by_label("E-mail").click()
    page.keyboard.type(f"newcomer-{visitor.size}@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.get_by_role("button", name="Create account and hold 2 seats").click()
    expect(page.get_by_role("timer")).to_be_visible()
    visitor.look("booking-held")
    page.get_by_role("button", name="Confirm 2 seats").click()
    heading(page, "See you there")

    assert int(page.evaluate("() => sessionStorage.getItem('clicks')")) <= MOST_CLICKS
    visitor.look("booking-confirmed")
    booking = page.url.rsplit("/", 1)[1]
    assert (
        cinema.value("SELECT status FROM bookings WHERE id = %(id)s", id=int(booking.removeprefix("bok_")))
        == "confirmed"
    )


@on_desktop
def test_double_click_on_hold_does_not_confirm(visitor: Visitor, cinema: Cinema) -> None:
    visitor.sign_in()
    page = hold(visitor, cinema)
    box = page.get_by_role("button", name="Confirm 2 seats").bounding_box()
    assert box is not None
    # The second click of a double click, whose first one was on the page before.
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.get_by_role("button", name="One seat more").click()
    expect(page.get_by_role("button", name="Confirm 3 seats")).to_be_enabled()


@on_desktop
def test_books_seats_by_keyboard_alone(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    visitor.sign_in()
    page = visitor.visit(f"/film/{session.movie}?day={session.day}&place={session.place}")
    presses = iter(range(60))
    while page.evaluate("() => document.activeElement.getAttribute('href')") != f"/book/{session.id}":
        assert next(presses, None) is not None, "the session cannot be reached by keyboard"
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    heading(page, "How many?")
    for _ in range(2):
        tab_to(page, "One seat more")
        page.keyboard.press("Enter")
    tab_to(page, "Hold 4 seats")
    page.keyboard.press("Enter")
    expect(page.get_by_role("timer")).to_be_visible()
    tab_to(page, "Confirm 4 seats")
    page.keyboard.press("Enter")
    heading(page, "See you there")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of this name has the focus, and it can be seen that it has."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_enabled()
    for _ in range(40):
        if button.evaluate("(each) => each === document.activeElement"):
            assert button.evaluate("(each) => each.matches(':focus-visible')")
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name!r} cannot be reached by keyboard")


def test_seats_can_be_changed_while_booking_is_open(visitor: Visitor, cinema: Cinema) -> None:
    visitor.sign_in()
    page = hold(visitor, cinema)
    clock = page.get_by_role("timer").locator("time")
    first = clock.inner_text()
    page.get_by_role("button", name="One seat more").click()
    page.get_by_role("button", name="Confirm 3 seats").wait_for()
    expect(clock).not_to_have_text(first)
    assert re.fullmatch(r"0:[0-5]\d", clock.inner_text())
    page.reload()
    expect(page.get_by_role("button", name="Confirm 3 seats")).to_be_enabled()


def test_booking_can_be_cancelled(visitor: Visitor, cinema: Cinema) -> None:
    visitor.sign_in()
    page = hold(visitor, cinema)
    page.get_by_role("button", name="Cancel").click()
    heading(page, "This booking is cancelled")
    visitor.look("booking-cancelled")

    page.get_by_role("link", name="Book again").click()
    heading(page, "How many?")


def test_page_reports_expired_booking(browser: Browser, hasty: Cinema, size: str, screens: Path) -> None:
    with visiting(browser, hasty, size=size, screens=screens) as guest:
        guest.sign_in()
        page = hold(guest, hasty)
        heading(page, "Your hold has expired")
        guest.look("booking-expired")
        assert guest.leave() == []


@on_desktop
def test_seats_changed_in_other_tab_are_not_confirmed(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    booking = customer.hold(cinema.session(free=20).id, seats=2)
    page = visitor.visit(f"/booking/{booking}")
    customer.post(f"/v1/bookings/{booking}/reserve", seats=5)
    page.get_by_role("button", name="Confirm 2 seats").click()
    expect(page.get_by_role("alert")).to_contain_text("The number of seats was changed elsewhere")
    expect(page.get_by_role("button", name="Confirm 5 seats")).to_be_enabled()

    visitor.visit("/my/bookings")
    customer.post(f"/v1/bookings/{booking}/reserve", seats=4)
    page.get_by_role("button", name="Confirm 5 seats").click()
    page.get_by_role("button", name="Confirm 4 seats").click()
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()


@on_phone
def test_page_reports_seats_taken_by_others(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    visitor.sign_in()
    # What the page is told of meanwhile would only make this harder to see.
    visitor.deaf()
    page = visitor.visit(f"/book/{session.id}")
    for _ in range(2):
        page.get_by_role("button", name="One seat more").click()
    cinema.customer().hold(session.id, seats=session.free - 3)
    page.get_by_role("button", name="Hold 4 seats").click()
    expect(page.get_by_role("alert")).to_contain_text("only 3 seats left")
    visitor.look("book-quicker")
    page.get_by_role("button", name="Hold 3 seats").click()
    expect(page.get_by_role("timer")).to_be_visible()


@on_desktop
def test_page_reports_sold_out_session(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    cinema.customer().hold(session.id, seats=session.free)
    page = visitor.visit(f"/book/{session.id}")
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()


@on_phone
def test_booking_is_shown_to_its_user_only(visitor: Visitor, cinema: Cinema) -> None:
    booking = cinema.customer().hold(cinema.session().id, seats=1)
    page = visitor.visit(f"/booking/{booking}")
    heading(page, "Your booking")
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()

    visitor.sign_in()
    page.reload()
    heading(page, "No such booking")
