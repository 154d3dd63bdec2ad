"""A film's page: its sessions by day and cinema, seats that move while one looks, and stars to give."""

import re
from typing import Final

from playwright.sync_api import expect

from db import ids
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, enter, on_desktop, on_phone

MOVIE: Final = """
    INSERT INTO movies (title, description, poster, duration)
    SELECT 'Rare', '', poster, 90 FROM movies LIMIT 1 RETURNING id
"""
PLACE: Final = """
    INSERT INTO places (name, address, capacity) VALUES (%(name)s, '1 rue du Cinéma, Lyon', 100) RETURNING id
"""
SESSION: Final = """
    INSERT INTO sessions (movie_id, place_id, starts_at, capacity)
    VALUES (%(movie)s, %(place)s, now() + %(days)s * interval '1 day', 100) RETURNING id
"""


def test_film_page_shows_sessions_by_day_and_cinema(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session()
    page = visitor.visit(f"/film/{session.movie}")
    expect(page.locator(".showing").first).to_be_visible()
    visitor.look("film")

    page.get_by_role("group", name="Day").get_by_role("radio").nth(1).check()
    expect(page).to_have_url(re.compile("day="))
    visitor.settled()
    page.get_by_role("combobox", name="Cinema").select_option(session.place)
    expect(page).to_have_url(re.compile(f"place={session.place}"))
    visitor.settled()
    assert page.locator(".cinema").count() <= 1


@on_desktop
def test_calendar_has_every_day_with_sessions_and_no_other(visitor: Visitor, cinema: Cinema) -> None:
    # A film of one session at one cinema, and of one at another cinema long after that.
    film = cinema.value(MOVIE)
    places = [cinema.value(PLACE, name=f"Rare {each}") for each in "AB"]
    for place, after in zip(places, (3, 400), strict=True):
        cinema.value(SESSION, movie=film, place=place, days=after)
    page = visitor.visit(f"/film/{ids.encode('mov', film)}")
    days = page.get_by_role("group", name="Day").get_by_role("radio")
    expect(days).to_have_count(2)
    days.nth(1).check()
    # In another year, and so with the year.
    expect(page.get_by_role("group", name="Day").locator("label").nth(1)).to_have_text(re.compile(r" \d{4}$"))
    expect(page.locator(".cinema h3")).to_have_text("Rare B")
    page.get_by_role("combobox", name="Cinema").select_option(ids.encode("plc", places[0]))
    expect(days).to_have_count(1)
    expect(page.locator(".cinema h3")).to_have_text("Rare A")
    # An address with a past day leads to the cinema's first day that has a session.
    page = visitor.visit(f"/film/{ids.encode('mov', film)}?day=2020-01-01&place={ids.encode('plc', places[1])}")
    expect(page.locator(".cinema h3")).to_have_text("Rare B")
    cinema.database.execute("DELETE FROM sessions WHERE movie_id = %s", [film])
    cinema.database.execute("DELETE FROM movies WHERE id = %s", [film])
    cinema.database.execute("DELETE FROM places WHERE id = ANY (%s)", [places])


def test_free_seats_update_on_open_page(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    page = visitor.visit(f"/film/{session.movie}?day={session.day}&place={session.place}")
    free = page.locator(f'.showing[href="/book/{session.id}"] .free')
    free.scroll_into_view_if_needed()
    expect(free).to_have_text(f"{session.free} seats free")

    cinema.customer().hold(session.id, seats=3)
    expect(free).to_have_text(f"{session.free - 3} seats free")


@on_desktop
def test_free_seats_update_below_visible_part(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    visitor.page.set_viewport_size({"width": 1280, "height": 720})
    page = visitor.visit(f"/film/{session.movie}?day={session.day}&place={session.place}")
    free = page.locator(f'.showing[href="/book/{session.id}"] .free')
    expect(free).not_to_be_in_viewport()
    cinema.customer().hold(session.id, seats=3)
    expect(free).to_have_text(f"{session.free - 3} seats free")


def test_film_can_be_rated(visitor: Visitor, cinema: Cinema) -> None:
    film = cinema.session().movie
    customer = visitor.sign_in()
    page = visitor.visit(f"/film/{film}")
    page.get_by_role("radio", name="4 stars").check(force=True)
    expect(page.get_by_text("You gave it 4 stars")).to_be_visible()

    document = "query ($id: ID!) { movie(id: $id) { viewerRating { value } } }"
    assert cinema.graphql(document, token=customer.token, id=film)["movie"]["viewerRating"]["value"] == 4
    page.reload()
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()


@on_desktop
def test_rating_asks_for_sign_in(visitor: Visitor, cinema: Cinema) -> None:
    customer = cinema.customer()
    page = visitor.visit(f"/film/{cinema.session().movie}")
    film = page.url
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    enter(page, customer)
    expect(page).to_have_url(film)
    expect(page.get_by_role("radio", name="4 stars")).to_be_attached()


@on_phone
def test_page_reports_missing_film(visitor: Visitor) -> None:
    visitor.expect_trouble("^status 404: GET", "^console: Failed to load resource: .* 404")
    for path, what in (("/film/mov_1", "film"), ("/film/nonsense", "film"), ("/flim/mov_1", "page")):
        page = visitor.visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(f"No such {what}")
        expect(page).to_have_title(f"No such {what} · Matinee")
    visitor.look("film-missing")
