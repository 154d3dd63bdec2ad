"""Events: tickets that are left, as they go, and one's own, to reserve, change and give back."""

import re
from typing import Any, Final

from playwright.sync_api import Page, expect

from db import ids
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_desktop, on_phone
from tests.support.factories import PASSWORD

# One that no other test has been to.
NEXT_EVENT: Final = """
    SELECT id, name, capacity - taken FROM events
    WHERE date > now() AND deleted_at IS NULL AND capacity - taken >= 20 AND id <> ALL (%(used)s) ORDER BY date LIMIT 1
"""
HELD: Final = "SELECT coalesce(sum(tickets), 0) FROM event_reservations WHERE event_id = %(id)s AND NOT cancelled"
RESERVE: Final = """
    mutation ($event: ID!, $tickets: Int!) {
        reserveTickets(input: {eventId: $event, tickets: $tickets}) { errors { code } }
    }
"""


def event(cinema: Cinema) -> tuple[int, str, int]:
    """Return the key of an event that is still to come, its name, and how many tickets are left."""
    found: tuple[int, str, int] | None = cinema.database.execute(NEXT_EVENT, {"used": cinema.used}).fetchone()
    assert found is not None
    cinema.used.append(found[0])
    return found


def reserve(cinema: Cinema, key: int, *, tickets: int) -> None:
    """Let somebody else reserve tickets."""
    told = cinema.graphql(RESERVE, token=cinema.customer().token, event=ids.encode("evt", key), tickets=tickets)
    assert told["reserveTickets"]["errors"] == []


def test_listed_events_update_tickets_left(visitor: Visitor, cinema: Cinema) -> None:
    key, name, left = event(cinema)
    page = visitor.visit("/tickets")
    visitor.look("events")
    page.get_by_role("searchbox").fill(name)
    expect(page.locator(".event-row")).to_have_count(1)
    row = page.locator(".event-row", has_text=name)
    expect(row.get_by_text(f"{left} tickets left")).to_be_visible()
    reserve(cinema, key, tickets=2)
    expect(row.get_by_text(f"{left - 2} tickets left")).to_be_visible()

    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value(name)


@on_phone
def test_sold_out_event_does_not_ask_for_sign_in(visitor: Visitor, cinema: Cinema) -> None:
    key, _, left = event(cinema)
    reserve(cinema, key, tickets=left)
    page = visitor.visit(f"/tickets/{ids.encode('evt', key)}")
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    expect(page.get_by_label("Password")).to_be_hidden()


@on_phone
def test_list_can_leave_out_sold_out_events(visitor: Visitor) -> None:
    page = visitor.visit("/tickets")
    expect(page.get_by_text("Sold out").first).to_be_visible()
    page.get_by_role("checkbox", name="Only with tickets left").check()
    expect(page.get_by_text("Sold out")).to_have_count(0)
    expect(page).to_have_url(re.compile("left=1"))
    page.get_by_role("searchbox").fill("qqqqqxyz")
    expect(page.get_by_text("No event of this name")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="No event found")).to_be_visible()
    visitor.look("events-none")


def own_card(page: Page) -> Any:  # noqa: ANN401 - a Locator
    """Return the part of an event's page that has the visitor's own tickets."""
    return page.locator("section.card", has_text="You have")


def test_tickets_are_reserved_changed_and_cancelled(visitor: Visitor, cinema: Cinema) -> None:
    visitor.sign_in()
    key, name, left = event(cinema)
    before = cinema.value(HELD, id=key)
    page = visitor.visit(f"/tickets/{ids.encode('evt', key)}")
    visitor.look("event")
    page.get_by_role("button", name="One ticket more").click()
    page.get_by_role("button", name="Reserve 2 tickets").click()
    expect(own_card(page)).to_contain_text("You have 2 tickets")
    expect(page.get_by_text(f"{left - 2} tickets left")).to_be_visible()
    visitor.look("event-reserved")

    own_card(page).get_by_role("button", name="One ticket more").click()
    own_card(page).get_by_role("button", name="Change to 3 tickets").click()
    expect(own_card(page)).to_contain_text("You have 3 tickets")
    assert cinema.value(HELD, id=key) == before + 3

    page.get_by_role("link", name="All events").click()
    page.get_by_role("link", name=re.compile(re.escape(name) + ".*3 tickets")).click()
    own_card(page).get_by_role("button", name="Give back").dblclick()
    confirm = own_card(page).get_by_role("button", name="Yes, give 3 tickets back")
    expect(confirm).to_be_visible()
    assert cinema.value(HELD, id=key) == before + 3
    confirm.click()
    expect(own_card(page)).to_have_count(0)
    assert cinema.value(HELD, id=key) == before


@on_phone
def test_new_user_signs_up_and_reserves_in_one_step(visitor: Visitor, cinema: Cinema) -> None:
    key, _, _ = event(cinema)
    page = visitor.visit(f"/tickets/{ids.encode('evt', key)}")
    page.get_by_label("E-mail").fill(f"guest-{visitor.size}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(own_card(page)).to_contain_text("You have 1 ticket")


@on_desktop
def test_page_reports_tickets_taken_by_others(visitor: Visitor, cinema: Cinema) -> None:
    visitor.sign_in()
    key, _, left = event(cinema)
    # What the page is told of meanwhile would only make this harder to see.
    visitor.deaf()
    page = visitor.visit(f"/tickets/{ids.encode('evt', key)}")
    page.get_by_role("button", name="One ticket more").click()
    reserve(cinema, key, tickets=left - 1)
    page.get_by_role("button", name="Reserve 2 tickets").click()
    expect(page.get_by_role("alert")).to_contain_text("only 1 more ticket can be had")
    reserve(cinema, key, tickets=1)
    page.get_by_role("button", name="Reserve").click()
    expect(page.get_by_role("alert")).to_contain_text("no more tickets are left")


@on_desktop
def test_page_updates_when_event_sells_out(visitor: Visitor, cinema: Cinema) -> None:
    key, _, left = event(cinema)
    page = visitor.visit(f"/tickets/{ids.encode('evt', key)}")
    expect(page.get_by_role("button", name="reserve 1 ticket")).to_be_enabled()
    reserve(cinema, key, tickets=left)
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    visitor.look("event-sold-out")


@on_phone
def test_page_reports_missing_event(visitor: Visitor) -> None:
    visitor.expect_trouble("^status 404: GET", "^console: Failed to load resource: .* 404")
    for path in ("/tickets/evt_1", "/tickets/nonsense"):
        page = visitor.visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text("No such event")
