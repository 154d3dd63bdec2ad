"""Times on the pages: by the server's clock and in the cinema's timezone, whatever the visitor's own clock says."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.test_collections import collection
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_desktop

PARIS: Final = ZoneInfo("Europe/Paris")
DAYS: Final = 86_400_000
# A clock that is wrong by so many milliseconds.
WRONG_CLOCK: Final = """
    const Right = Date;
    Date = class extends Right {
        constructor(...given) { super(...(given.length ? given : [Right.now() + OFFSET])); }
        static now() { return Right.now() + OFFSET; }
    };
"""


@pytest.mark.parametrize("offset", [-400 * DAYS, 400 * DAYS])
@on_desktop
def test_times_follow_clock_of_server(visitor: Visitor, cinema: Cinema, offset: int) -> None:
    customer = visitor.sign_in()
    made = collection(cinema, customer, films=1)
    booking = customer.hold(cinema.session().id, seats=2)
    visitor.page.add_init_script(WRONG_CLOCK.replace("OFFSET", str(offset)))

    page = visitor.visit(f"/booking/{booking}")
    # Between the whole minute and nothing: by the visitor's clock it would stand at one of the two.
    expect(page.get_by_role("timer").locator("time")).to_have_text(re.compile(r"0:[0-5]\d"))
    expect(page.get_by_role("button", name="Confirm 2 seats")).to_be_enabled()
    first = page.get_by_role("timer").locator("time").inner_text()
    expect(page.get_by_role("timer").locator("time")).not_to_have_text(first)

    page = visitor.visit("/my/collections")
    expect(page.locator("article.card")).to_contain_text(re.compile(r"changed (just now|\d+ s ago)"))
    assert made
    page = visitor.visit("/")
    expect(page.locator(".hero .eyebrow")).to_have_text(
        f"{datetime.now(PARIS):%A} {datetime.now(PARIS).day} {datetime.now(PARIS):%B}"
    )
    assert page.locator(".film-card").count() >= 24
    page.locator(".film-card").first.click()
    expect(page.locator(".showing").first).to_be_visible()
    page = visitor.visit("/tickets")
    expect(page.locator(".event-row").first).to_be_visible()
