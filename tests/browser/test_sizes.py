"""What is longer or larger than usual: the words of staff and customers, and the letters of who sees little."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_phone

# Longer than any screen of ours is wide, without a place to break it.
WORD: Final = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
LENGTHENED: Final = {
    "words": dict.fromkeys(("title", "description", "address", "genres"), WORD),
    # The longest word of the demo data that stands in a narrow place.
    "letters": {"genres": "Documentary"},
}
NAME: Final = "ada.lovelace@analytical-engines.example"
# Texts in the header that are wider than their box, or that reach out of the screen.
CUT_OFF: Final = """
    () => [...document.querySelectorAll('.nav a, .nav, #account, #account span')].filter((each) =>
        each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline'
        || each.getBoundingClientRect().right > innerWidth || each.getBoundingClientRect().left < 0)
        .map((each) => each.outerHTML.slice(0, 200))
"""
# As the browser's own setting does it.
TWICE_AS_LARGE: Final = {"fontSizes": {"standard": 32}}


def lengthened(told: Any, words: Mapping[str, str], key: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return an answer in which each text that has a word here is that word."""
    if isinstance(told, dict):
        return {name: lengthened(each, words, name) for name, each in told.items()}
    if isinstance(told, list):
        return [lengthened(each, words, key) for each in told]
    return words.get(key, told) if isinstance(told, str) else told


def lengthen(route: Route, words: Mapping[str, str]) -> None:
    """Answer a request in longer words."""
    answer = route.fetch()
    route.fulfill(response=answer, json=lengthened(answer.json(), words))


def paths(visitor: Visitor, cinema: Cinema) -> list[str]:
    """Return the addresses of the pages, for somebody who has something on each."""
    customer = visitor.sign_in()
    session = cinema.session(free=20)
    booking, held = (customer.hold(cinema.session().id, seats=2) for _ in range(2))
    customer.post(f"/v1/bookings/{booking}/confirm")
    film = f"/film/{session.movie}?day={session.day}&place={session.place}"
    return [
        "/",
        film,
        f"/book/{session.id}",
        *(f"/booking/{each}" for each in (booking, held)),
        "/my/bookings",
        "/tickets",
        "/prices",
    ]


@pytest.mark.parametrize("of", ["words", "letters"])
def test_nothing_is_wider_than_screen(visitor: Visitor, cinema: Cinema, of: str) -> None:
    visitor.page.route("**/graphql", lambda route: lengthen(route, LENGTHENED[of]))
    if of == "letters":
        # Before the pages open: what moved as letters grow later would be the test's doing and no page's.
        visitor.page.context.new_cdp_session(visitor.page).send("Page.setFontSizes", TWICE_AS_LARGE)
    for path in paths(visitor, cinema):
        page = visitor.visit(path)
        expect(page.locator("html")).to_have_css("font-size", "32px" if of == "letters" else "16px")
        assert visitor.misshapen() == [], path
    visitor.page.unroute_all(behavior="ignoreErrors")


@on_phone
def test_navigation_and_account_name_are_not_cut(visitor: Visitor) -> None:
    visitor.page.route("**/graphql", rename)
    page = visitor.visit("/prices")
    expect(page.locator("#account")).to_have_text(NAME)
    for width in (320, 360, 700, 1000):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate(CUT_OFF) == [], width
    visitor.page.unroute_all(behavior="ignoreErrors")


def rename(route: Route) -> None:
    """Answer who is signed in with somebody who has a long username."""
    if "query Viewer" not in (route.request.post_data or ""):
        route.fallback()
        return
    viewer = {"id": "usr_1", "email": None, "username": NAME, "isStaff": False}
    route.fulfill(json={"data": {"viewer": viewer}})
