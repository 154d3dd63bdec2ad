"""A cinema, a browser, and a visitor at phone and at desktop size, who has nothing to complain of in the end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.support import browser_cinema as cinemas
from tests.support.browser_cinema import Cinema
from tests.support.browser_visitor import SIZES, Visitor, visiting
from tests.support.chromium import chromium, found

# Kept when the run is over, for people to look at.
SCREENS: Final = Path(os.environ.get("TEST_SCREENSHOTS", Path(__file__).parents[2] / ".artifacts" / "screenshots"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are."""
    if found() and SCREENS.is_dir():
        terminalreporter.write_line(f"Screenshots of the storefront: {SCREENS}")


@pytest.fixture(scope="package")
def opened(database_url: str) -> Iterator[Cinema]:
    """The cinema, for all tests of this folder."""
    with cinemas.opened(database_url) as cinema:
        yield cinema


@pytest.fixture(scope="package")
def hasty(opened: Cinema) -> Iterator[Cinema]:
    """The same cinema, through a server that holds seats for three seconds."""
    with cinemas.hasty(opened, hold_seconds=3) as cinema:
        yield cinema


@pytest.fixture(scope="package")
def browser(opened: Cinema) -> Iterator[Browser]:  # noqa: ARG001 - it opens first: Playwright's loop leaves no room for one of ours
    """The browser, for all tests of this folder."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def cinema(opened: Cinema) -> Iterator[Cinema]:
    """The cinema, in which all third parties work again in the end."""
    yield opened
    opened.mend()


@pytest.fixture
def screens() -> Path:
    """The folder of the pictures."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    return SCREENS


# A test without its word runs at both sizes.
@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """The name of a screen's size."""
    return str(request.param)


@pytest.fixture
def visitor(browser: Browser, cinema: Cinema, size: str, screens: Path) -> Iterator[Visitor]:
    """Somebody at this size of screen, who has never been here."""
    with visiting(browser, cinema, size=size, screens=screens) as visitor:
        yield visitor
        assert not visitor.leave()
