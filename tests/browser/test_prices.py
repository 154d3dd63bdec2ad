"""Prices: two providers side by side, in whatever state they are; and all of them in a file."""

import csv
import re
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, on_desktop, on_phone

TITLE: Final = "120 battements par minute"
# A file may be complete before a look from outside: the page itself notes that it has shown progress.
NOTE_PROGRESS: Final = """() => {
    const note = () => { window.hasProgressed ||= document.querySelector('progress')?.checkVisibility() ?? false; };
    new MutationObserver(note).observe(document.body, {subtree: true, childList: true});
}"""
OFFERS: Final = "query ($q: String) { offers(search: $q, first: 1) { nodes { prices { provider price stale } } } }"


def prices(cinema: Cinema) -> dict[str, Any]:
    """Return the prices of a film that both providers sell."""
    (offer,) = cinema.graphql(OFFERS, q=TITLE)["offers"]["nodes"]
    return {each["provider"]: each for each in offer["prices"]}


def offer(page: Page) -> Locator:
    """Return the part of the page about that film."""
    return page.locator(".offer", has_text=TITLE)


def told(page: Page, provider: str) -> Locator:
    """Return what the page tells of that film at a provider."""
    return offer(page).locator("dl > div", has_text=provider.capitalize())


def test_prices_are_shown_side_by_side_with_cheapest_marked(visitor: Visitor, cinema: Cinema) -> None:
    page = visitor.visit("/prices")
    visitor.look("prices")
    known = prices(cinema)
    assert set(known) == {"cinemaworld", "filmworld"}
    cheapest = min(known, key=lambda name: float(known[name]["price"]))
    for name, each in known.items():
        expect(told(page, name)).to_contain_text(f"{float(each['price']):.2f}")
    expect(told(page, cheapest)).to_contain_text("Cheapest")
    expect(offer(page).get_by_text("Cheapest")).to_have_count(1)

    page.get_by_role("searchbox").fill("jetee")
    expect(page.locator(".offer")).to_have_count(1)
    expect(page.locator(".offer")).to_contain_text("La Jetée")
    page.get_by_role("searchbox").fill("qqqqqxyz")
    expect(page.get_by_text("No shop sells that")).to_be_visible()


@on_phone
def test_list_of_prices_shows_more(visitor: Visitor) -> None:
    page = visitor.visit("/prices")
    expect(page.locator(".offer")).to_have_count(24)
    page.get_by_role("button", name="More films").click()
    expect(page.locator(".offer")).to_have_count(48)


def test_page_reports_failing_provider_and_its_stale_prices(visitor: Visitor, cinema: Cinema) -> None:
    prices(cinema)
    cinema.break_down("cinemaworld")
    cinema.wait(lambda: prices(cinema)["cinemaworld"]["stale"])
    page = visitor.visit("/prices")
    expect(page.locator(".providers")).to_contain_text("Does not answer at the moment. Its last prices are shown")
    expect(told(page, "cinemaworld")).to_contain_text("Last seen")
    expect(told(page, "filmworld")).not_to_contain_text("Last seen")
    visitor.look("prices-stale")

    cinema.mend()
    # The circuit breaker rests for ten seconds. Then the page, which looks by itself every few seconds, shows it.
    cinema.wait(lambda: not prices(cinema)["cinemaworld"]["stale"], seconds=60)
    expect(page.locator(".providers").get_by_text("Answers")).to_have_count(2, timeout=30_000)


@on_desktop
def test_page_reports_missing_prices(visitor: Visitor) -> None:
    page = visitor.page
    # Nothing is known of any provider only before the first answer of the first day, which this cinema has behind it.
    page.route(
        "**/graphql",
        lambda route: silent(route) if "query Offers" in (route.request.post_data or "") else route.continue_(),
    )
    visitor.visit("/prices")
    expect(page.get_by_role("heading", name="No prices at the moment")).to_be_visible()
    visitor.look("prices-none")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".offer")).to_have_count(24)


def silent(route: Any) -> None:  # noqa: ANN401 - a Route
    """Answer as the server does when nothing is known of any provider."""
    refusal = {"message": "The service behind this does not answer.", "extensions": {"code": "UPSTREAM_UNAVAILABLE"}}
    route.fulfill(json={"errors": [refusal], "data": None})


def test_prices_are_exported_with_progress_and_downloaded(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.visit("/prices")
    page.evaluate(NOTE_PROGRESS)
    page.get_by_role("button", name="Make a CSV file").click()
    page.wait_for_function("() => window.hasProgressed")
    link = page.get_by_role("link", name=re.compile(r"Download \d+ rows"))
    expect(link).to_be_visible(timeout=20_000)
    visitor.look("prices-export")

    page.reload()
    with page.expect_download() as download:
        link.click()
    assert re.fullmatch(r"exp_\d+\.csv", download.value.suggested_filename)
    with download.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["provider"] for row in rows} == {"cinemaworld", "filmworld"}
    expect(link).to_have_text(f"Download {len(rows)} rows")


@on_phone
def test_export_needs_account(visitor: Visitor) -> None:
    page = visitor.visit("/prices")
    expect(page.get_by_role("button", name="Make a CSV file")).to_have_count(0)
    page.get_by_role("region", name="All prices in one file").get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
