"""The visitor complains: each fault that the journeys look for is found where there is one."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support import chromium
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import Visitor, visiting

POLICY = "default-src 'self'; script-src 'unsafe-inline'"
LATE_SECONDS: Final = 1.5
UNTIL_PAINTED: Final = "() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))"
SOUND = "<!doctype html><html lang=en><title>Sound</title><main><h1>Sound</h1>{}</main>"


@pytest.fixture
def guest(browser: Browser, cinema: Cinema, tmp_path: Path) -> Iterator[Visitor]:
    """A visitor whose complaints are what the test is about."""
    with visiting(browser, cinema, size="phone", screens=tmp_path) as visitor:
        yield visitor


def show(guest: Visitor, body: str) -> Page:
    """Show the visitor a page of the cinema's address with this in it."""
    headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
    guest.page.route("**/made-up", lambda route: route.fulfill(body=SOUND.format(body), headers=headers))
    guest.page.goto(f"{guest.cinema.url}/made-up", wait_until="load")
    return guest.page


def test_visitor_reports_nothing_on_sound_page(guest: Visitor) -> None:
    show(guest, "<p>All is well.</p>")
    guest.look("sound")

    assert guest.leave() == []


FAULTS = {
    "console: oh": "<script>console.error('oh')</script>",
    "uncaught: no": "<script>throw new Error('no')</script>",
    "status 404: GET": "<img src='/posters/none.gone' width=1 height=1 alt=''>",
    "asks somebody else: http://127.0.0.1:1/picture": "<img src='http://127.0.0.1:1/picture' width=1 height=1 alt=''>",
    "failed: GET {home}/cut: net::ERR_CONNECTION_REFUSED": "<img src='/cut' width=1 height=1 alt=''>",
    "against the Content-Security-Policy: style-src-attr inline": "<p style='color: red'>red</p>",
    'an image without size or text: <img src="/icon.svg" alt': "<img src='/icon.svg' alt=''>",
    'an image without size or text: <img src="/icon.svg" width': "<img src='/icon.svg' width=1 height=1>",
    "wider than the screen: <table>": "<table><td>{}</table>".format("wide" * 50),
    "fault: label: Form elements must have labels": "<input>",
}


def test_visitor_reports_every_fault(guest: Visitor) -> None:
    guest.page.route("**/cut", lambda route: route.abort("connectionrefused"))
    show(guest, "".join(FAULTS.values()))
    guest.look("fault")

    said = "\n".join(guest.leave())
    assert [fault for fault in FAULTS if fault.replace("{home}", guest.cinema.url) not in said] == []


def test_visitor_reports_low_contrast_of_dark_colours(guest: Visitor) -> None:
    page = show(guest, "<p id=faint>faint</p>")
    page.evaluate("""() => {
        const style = new CSSStyleSheet();
        style.replaceSync('@media (prefers-color-scheme: dark) { #faint { background: #333; color: #444 } }');
        document.adoptedStyleSheets = [style];
    }""")
    guest.look("faint")

    (complaint,) = guest.leave()
    assert complaint.startswith("faint, dark: color-contrast")


def test_visitor_reports_layout_shift(guest: Visitor) -> None:
    page = show(guest, "<p>text</p>" * 20)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    page.evaluate("""() => {
        const added = document.createElement('div');
        added.style.setProperty('height', '400px');
        document.querySelector('h1').before(added);
    }""")
    page.wait_for_function("() => window.seen.shift > 0")

    (complaint,) = guest.leave()
    assert complaint.startswith("the page jumps")


LATE: Final = """
    <button>more</button>
    <script>document.querySelector('button').onclick = async () => {
        await fetch('/late');
        const added = document.createElement('div');
        added.style.setProperty('height', '400px');
        document.querySelector('h1').before(added);
    }</script>
"""


@pytest.mark.parametrize("is_asked", [True, False], ids=["asked", "unasked"])
def test_visitor_excuses_layout_shift_by_late_answer_to_what_they_asked(guest: Visitor, is_asked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    page = show(guest, LATE + "<p>text</p>" * 20)
    page.route("**/late", late)
    page.evaluate(UNTIL_PAINTED)
    if is_asked:
        page.get_by_role("button").click()
    else:
        page.evaluate("() => document.querySelector('button').click()")
    expect(page.locator("div")).to_have_count(1)
    page.evaluate(UNTIL_PAINTED)

    complaints = guest.leave()
    assert [each.startswith("the page jumps") for each in complaints] == ([] if is_asked else [True])


def late(route: Route) -> None:
    """Answer later than an input excuses what moves."""
    time.sleep(LATE_SECONDS)
    route.fulfill(body="")


def test_visitor_ignores_expected_faults(guest: Visitor) -> None:
    guest.expect_trouble("^console: oh")
    show(guest, "<script>console.error('oh'); console.error('no')</script>")

    (complaint,) = guest.leave()
    assert complaint.startswith("console: no")


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_missing_browser_fails_in_ci_and_skips_elsewhere(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setitem(os.environ, "CI", ci)
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    monkeypatch.delenv(chromium.VARIABLE, raising=False)

    with pytest.raises(outcome, match="apt-get install chromium"), chromium.chromium():
        pass
