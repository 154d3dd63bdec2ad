"""A film's page: its sessions by day and cinema, seats that move while one looks, and stars to give."""

import re

from playwright.sync_api import expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, enter, on_desktop, on_phone


def test_shows_its_sessions_by_day_and_cinema(visitor: Visitor, cinema: Cinema) -> None:
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


def test_seats_move_while_one_looks(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    page = visitor.visit(f"/film/{session.movie}?day={session.day}&place={session.place}")
    free = page.locator(f'.showing[href="/book/{session.id}"] .free')
    free.scroll_into_view_if_needed()
    expect(free).to_have_text(f"{session.free} seats free")

    cinema.customer().hold(session.id, seats=3)
    expect(free).to_have_text(f"{session.free - 3} seats free")


@on_desktop
def test_seats_move_before_they_come_into_sight(visitor: Visitor, cinema: Cinema) -> None:
    session = cinema.session(free=20)
    visitor.page.set_viewport_size({"width": 1280, "height": 720})
    page = visitor.visit(f"/film/{session.movie}?day={session.day}&place={session.place}")
    free = page.locator(f'.showing[href="/book/{session.id}"] .free')
    expect(free).not_to_be_in_viewport()
    cinema.customer().hold(session.id, seats=3)
    expect(free).to_have_text(f"{session.free - 3} seats free")


def test_is_rated(visitor: Visitor, cinema: Cinema) -> None:
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
def test_asks_to_sign_in_before_it_is_rated(visitor: Visitor, cinema: Cinema) -> None:
    customer = cinema.customer()
    page = visitor.visit(f"/film/{cinema.session().movie}")
    film = page.url
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    enter(page, customer)
    expect(page).to_have_url(film)
    expect(page.get_by_role("radio", name="4 stars")).to_be_attached()


@on_phone
def test_says_that_there_is_none(visitor: Visitor) -> None:
    for path in ("/film/mov_1", "/film/nonsense"):
        page = visitor.visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text("No such film")
    visitor.look("film-missing")
