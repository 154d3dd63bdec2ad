"""Now showing: found in spite of typing errors, sorted, without an end, and as it was when one comes back."""

import re
from typing import Final

from playwright.sync_api import Page, Route, expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, enter, on_desktop, on_phone

TITLES: Final = """
    query ($sort: MovieSort!, $now: DateTime!) { movies(sort: $sort, filter: {airingFrom: $now}, first: 10) { nodes { title } } }
"""
SHOWN: Final = "() => [...document.querySelectorAll('.film-card h2')].map((each) => each.textContent)"


def shown(page: Page) -> list[str]:
    """Return the titles on the wall."""
    titles: list[str] = page.evaluate(SHOWN)
    return titles


def test_list_of_films_fits_screen(visitor: Visitor) -> None:
    visitor.visit("/")
    expect(visitor.page.locator("meta[name=viewport]")).to_have_attribute("content", re.compile("width=device-width"))
    visitor.look("films")


@on_phone
def test_film_with_bad_values_does_not_affect_others(visitor: Visitor) -> None:
    visitor.expect_trouble("^console: TypeError")

    def spoil(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        found = told["data"].get("movies", {}).get("nodes", [])
        for film, poster in zip(found, ("https://[", "https://", ""), strict=False):
            film["poster"] = poster
        for film in found[3:4]:
            film["genres"] = None
        route.fulfill(response=answer, json=told)

    visitor.page.route("**/graphql", spoil)
    page = visitor.visit("/?sort=constructor")
    expect(page.locator(".film-card")).to_have_count(23)
    expect(page.locator(".film-card").first.locator(".poster-title")).to_be_visible()
    visitor.page.unroute_all(behavior="ignoreErrors")


@on_desktop
def test_search_day_and_cinema_survive_back_button_and_sign_in(visitor: Visitor, cinema: Cinema) -> None:
    session, customer = cinema.session(), cinema.customer()
    page = visitor.visit("/?sort=new")
    wall = page.url
    page.goto(f"{cinema.url}/film/{session.movie}?day={session.day}&place={session.place}")
    film = page.url
    page.locator(f'.showing[href="/book/{session.id}"]').click()
    page.get_by_role("link", name="All sessions").click()
    expect(page).to_have_url(film)
    page.get_by_role("banner").get_by_role("link", name="Sign in").click()
    enter(page, customer)
    expect(page).to_have_url(film)
    page.get_by_role("link", name="All films").click()
    expect(page).to_have_url(wall)


@on_phone
def test_page_reports_empty_list_of_films(visitor: Visitor) -> None:
    page = visitor.visit("/?genre=Nothing")
    expect(page.get_by_role("heading", name="No film at the moment")).to_be_visible()


def test_search_forgives_typing_errors(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.get_by_role("searchbox").fill("parasitte")
    expect(page.locator(".film-card h2").first).to_have_text("Parasite")
    expect(page).to_have_url(re.compile(r"\?q=parasitte$"))

    page.reload()
    expect(page.locator(".film-card h2").first).to_have_text("Parasite")
    expect(page.get_by_role("searchbox")).to_have_value("parasitte")
    visitor.settled()
    visitor.look("films-found")


@on_phone
def test_search_reports_no_matching_film(visitor: Visitor) -> None:
    page = visitor.visit("/?q=xyzzyxyzzy")
    expect(page.get_by_text("No film of this name")).to_be_visible()
    visitor.look("films-none")


def test_list_of_films_can_be_sorted(visitor: Visitor, cinema: Cinema) -> None:
    page = visitor.visit("/")
    now = page.evaluate("() => new Date(Math.floor(Date.now() / 60000) * 60000).toISOString()")
    for words, sort in (("New", "NEW"), ("Leaving soon", "LEAVING_SOON"), ("Best rated", "RATING")):
        page.get_by_role("radio", name=words).check()
        found = [each["title"] for each in cinema.graphql(TITLES, sort=sort, now=now)["movies"]["nodes"]]
        expect(page.locator(".film-card h2").nth(0)).to_have_text(found[0])
        expect(page.locator(".film-card h2").nth(9)).to_have_text(found[9])
        assert shown(page)[:10] == found


def test_list_of_films_shows_more_and_keeps_it_after_back_button(visitor: Visitor) -> None:
    page = visitor.visit("/")
    cards = page.locator(".film-card")
    before = cards.count()
    for _ in range(2):
        cards.last.scroll_into_view_if_needed()
        expect(cards.nth(before)).to_be_attached()
        before = cards.count()
    titles = shown(page)
    assert len(set(titles)) == len(titles) >= 72

    cards.nth(60).scroll_into_view_if_needed()
    seen = page.evaluate("() => scrollY")
    cards.nth(60).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(titles[60])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Now showing")
    page.wait_for_function("(seen) => Math.abs(scrollY - seen) < 5", arg=seen)
    assert shown(page)[: len(titles)] == titles
