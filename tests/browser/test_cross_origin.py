"""A page of a listed origin does the whole booking by fetch; a page of another origin is refused by server and browser."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from tests.support import browser_cinema as cinemas
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import PATIENCE_MS
from tests.support.factories import PASSWORD

SCRIPT: Final = (Path(__file__).parent / "cross_origin.js").read_text(encoding="utf-8")


class BlankPage(BaseHTTPRequestHandler):
    """Answers every request with an empty page."""

    def do_GET(self) -> None:
        """Answer the page."""
        body = b"<!doctype html><title>Another site</title><link rel=icon href=data:,>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serve_blank_pages() -> Iterator[str]:
    """Yield an origin that is none of the server's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BlankPage) as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}"
        finally:
            site.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def listed() -> Iterator[str]:
    """The origin that the server lists."""
    with serve_blank_pages() as origin:
        yield origin


@pytest.fixture(scope="module")
def api(opened: Cinema, listed: str) -> Iterator[Cinema]:
    """The cinema through a server that lists one origin."""
    with cinemas.open_second_server(opened, MATINEE_CORS_ORIGINS=listed) as cinema:
        yield cinema


@contextmanager
def evaluate_at(browser: Browser, origin: str) -> Iterator[Any]:
    """Yield a function that evaluates the script's functions in a page of an origin."""
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(origin)
        page.evaluate(SCRIPT)
        yield lambda call, **values: page.evaluate(f"(values) => {call}(values)", values)


def test_page_of_listed_origin_books_by_fetch(browser: Browser, api: Cinema, listed: str) -> None:
    with evaluate_at(browser, listed) as evaluate:
        result = evaluate(
            "book", api=api.url, session=api.session().id, email="cross-origin@example.org", password=PASSWORD
        )

    assert result["movies"] == {"first": 2, "second": 2, "repeated": 0}
    assert result["booking"] == {"status": "CONFIRMED", "reservedSeats": 2}
    assert result["refusal"] == "BOOKING_CONFIRMED"
    assert result["live"] == [result["free"], result["free"] - 2]
    assert all(result["readable"].values()), result["readable"]


def test_page_of_unlisted_origin_is_refused(browser: Browser, api: Cinema) -> None:
    with ExitStack() as stack:
        evaluate = stack.enter_context(evaluate_at(browser, stack.enter_context(serve_blank_pages())))
        before = api.value("SELECT count(*) FROM users")
        result = evaluate("tryAll", api=api.url, email="unlisted@example.org", password=PASSWORD)

    # Without a preflight the server answers, and the browser keeps the answer from the page.
    assert result == {"signUp": "TypeError", "read": "TypeError", "withoutPreflight": "TypeError"}
    assert api.value("SELECT count(*) FROM users") == before
