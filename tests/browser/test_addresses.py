"""Addresses: each can be opened directly, has a title of its own, and is found again by the back button."""

from playwright.sync_api import expect

from tests.browser.test_collections import collection
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_desktop


@on_desktop
def test_each_page_has_address_and_back_button_returns_to_it(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    session = cinema.session()
    booking = customer.hold(cinema.session().id, seats=1)
    ticketed = cinema.graphql("{ events(first: 1) { nodes { id } } }")["events"]["nodes"][0]["id"]
    paths = [
        *("/", f"/film/{session.movie}", f"/book/{session.id}", f"/booking/{booking}", "/my/bookings", "/account"),
        *("/tickets", f"/tickets/{ticketed}", "/my/collections", f"/my/collections/{collection(cinema, customer)}"),
        "/prices",
    ]
    titles = {}
    for path in paths:
        page = visitor.visit(path)
        titles[path] = page.title()
        assert titles[path].endswith(" · Matinee")
    assert len(set(titles.values())) == len(titles)

    for path in reversed(paths[:-1]):
        page.go_back()
        expect(page).to_have_title(titles[path])


@on_desktop
def test_pages_accept_slash_at_end_of_address(visitor: Visitor) -> None:
    visitor.expect_trouble("^status 404: GET", "^console: Failed to load resource: .* 404")
    for path, title in (("/prices/", "Prices"), ("/tickets/?left=1", "Events"), ("/film/mov_1/", "No such film")):
        page = visitor.visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)


@on_desktop
def test_back_button_loads_no_document(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.evaluate("() => { window.same = true; }")
    for name, title in (("Events", "Events"), ("Prices", "Prices"), ("Films", "Now showing")):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        visitor.settled()
        assert page.evaluate("() => document.activeElement === document.querySelector('h1')")
    for title in ("Prices", "Events", "Now showing"):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    assert page.evaluate("() => window.same")
