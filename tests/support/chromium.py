"""The browser of this machine: Playwright's own downloads are not needed, any Chromium will do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

VARIABLE: Final = "TEST_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW: Final = f"install one (Debian: apt-get install chromium), or name it in {VARIABLE}"


def found() -> str | None:
    """Return the path of a browser, None where there is none."""
    given = os.environ.get(VARIABLE)
    return given or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the running browser; without one, skip whoever asks for it, and fail them in CI."""
    path = found()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"CI tests the storefront in a real browser, and there is none: {HOW}", pytrace=False)
    if path is None:
        pytest.skip(f"no Chromium on this machine: {HOW}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path,
            # Rendered by the processor, what pages share kept out of a container's small /dev/shm, and without the pages
            # for an address bar that nobody sees, which are most of what a new window costs.
            args=[
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
            ],
        )
        yield launched
        launched.close()
