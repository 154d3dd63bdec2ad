"""An account: made, left and entered again, with its token out of reach of scripts; and the bookings that it has."""

from playwright.sync_api import expect

from errors import list_leaves
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, enter, on_desktop, on_phone
from tests.support.factories import PASSWORD


def test_account_is_created_signed_out_and_signed_in_again(visitor: Visitor) -> None:
    email = f"someone-{visitor.size}@example.org"
    page = visitor.visit("/account")
    visitor.look("account-sign-in")
    page.get_by_role("radio", name="Create account").check()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(email)
    visitor.look("account")

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("not the right one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="no account with this name and password")).to_be_visible()
    visitor.look("account-refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(email)


@on_phone
def test_signs_out_everywhere(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    page = visitor.visit("/account")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    assert page.context.cookies() == []

    # Another program had a token of the same account, which ends within a second.
    headers, body = {"Authorization": f"Bearer {customer.token}"}, {"query": "{ viewer { id } }"}
    cinema.wait(lambda: cinema.client.post("/graphql", json=body, headers=headers).status_code == 401)
    enter(page, customer)
    expect(page.get_by_role("heading", level=1)).to_have_text(customer.email)


@on_desktop
def test_script_cannot_read_token(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.visit("/account")
    kept = page.evaluate("() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join()")
    assert "eyJ" not in kept

    (cookie,) = page.context.cookies()
    assert cookie["value"].startswith("eyJ")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_listed_bookings_can_be_confirmed_and_cancelled(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    first, second = (customer.hold(cinema.session().id, seats=seats) for seats in (2, 1))
    page = visitor.visit("/my/bookings")
    visitor.look("my-bookings")
    rows = page.locator(".booking-row")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_role("button", name="Confirm 2 seats").click()
    expect(rows.nth(1).get_by_text("Confirmed", exact=True)).to_be_visible()
    rows.nth(0).get_by_role("button", name="Cancel").click()
    expect(rows.nth(0).get_by_text("Cancelled", exact=True)).to_be_visible()
    visitor.look("my-bookings-over")

    states = [
        cinema.value("SELECT status FROM bookings WHERE id = %(id)s", id=int(each[4:])) for each in (first, second)
    ]
    assert states == ["confirmed", "cancelled"]


@on_phone
def test_bookings_without_seats_do_not_hide_others(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    session = cinema.session().id
    booking = customer.hold(session, seats=2)
    customer.post(f"/v1/bookings/{booking}/confirm")
    for _ in range(20):
        customer.post(f"/v1/sessions/{session}/book")
    page = visitor.visit("/my/bookings")
    expect(page.locator(".booking-row")).to_have_count(1)


@on_phone
def test_empty_list_of_bookings_explains_how_to_book(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.visit("/my/bookings")
    page.get_by_role("main").get_by_role("link", name="See what is on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Now showing")


@on_desktop
def test_bookings_are_shown_after_sign_in(visitor: Visitor, cinema: Cinema) -> None:
    customer = cinema.customer()
    customer.hold(cinema.session().id, seats=2)
    page = visitor.visit("/my/bookings")
    enter(page, customer)
    expect(page.locator(".booking-row")).to_have_count(1)


@on_phone
def test_ended_sign_in_is_reported_and_renewed_on_same_page(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    booking = customer.hold(cinema.session().id, seats=2)
    page = visitor.visit(f"/booking/{booking}")
    page.context.clear_cookies()
    page.get_by_role("button", name="Confirm 2 seats").click()
    expect(page.get_by_text("Sign in to go on.")).to_be_visible()
    expect(page.locator("#account")).to_have_text("Sign in")
    visitor.look("account-ended")

    enter(page, customer)
    page.get_by_role("button", name="Confirm 2 seats").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("See you there")


@on_desktop
def test_page_after_sign_in_keeps_its_query_and_is_of_this_server(visitor: Visitor) -> None:
    visitor.sign_in()
    for address, path in (
        ("//example.org/prices", "/prices"),
        ("https://example.org/prices", "/prices"),
        ("/tickets%3Fq%3Dlate%26left%3D1", "/tickets?q=late&left=1"),
        ("//", "/"),
        ("https://[", "/"),
    ):
        page = visitor.visit(f"/account?next={address}")
        expect(page).to_have_url(f"{visitor.cinema.url}{path}")


@on_phone
def test_signs_in_with_username_that_contains_at_sign(visitor: Visitor, cinema: Cinema) -> None:
    body = {"username": "ada@home", "password": PASSWORD}
    cinema.client.post("/register/", json=body).raise_for_status()
    page = visitor.visit("/account")
    page.get_by_label("E-mail or username").fill(body["username"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(body["username"])
    # A name is never cut, whatever the width of the screen.
    expect(page.locator("#account")).to_have_text(body["username"])


@on_desktop
def test_no_message_of_server_reaches_customers(visitor: Visitor) -> None:
    page = visitor.visit("/account")
    codes = [*(leaf.code for leaf in list_leaves()), "INTERNAL", "A_CODE_TO_COME"]
    said = page.evaluate(
        """async (codes) => {
            const { wording } = await import(new URL("wording.js", document.querySelector("link[rel=modulepreload]").href));
            return codes.map((code) => wording(Object.assign(new Error("`title` must not be empty"), { code })));
        }""",
        codes,
    )
    assert [code for code, words in zip(codes, said, strict=True) if "`" in words or not words.endswith(".")] == []
