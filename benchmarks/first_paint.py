"""How soon the storefront has something to show, in a real browser without anything in its cache.

    python -m benchmarks.first_paint [--visits 5]

It starts a server with the demo data and visits `/` at phone and at desktop size, each time as somebody who has never been
there; `TEST_CHROMIUM` names the browser, as for the tests. What else the machine does can only make it longer, so that the
earliest first contentful paint is held to the bound.
"""

import argparse
import statistics
import sys
from typing import Final

from playwright.sync_api import Browser

from benchmarks.server import make_folder, serving
from tests.support.browser_visitor import SIZES
from tests.support.chromium import chromium

MOST_MS: Final = 1000.0
PAINTED: Final = """
    () => new Promise((resolve) => new PerformanceObserver((list) =>
        list.getEntriesByName("first-contentful-paint").forEach((entry) => resolve(entry.startTime))
    ).observe({ type: "paint", buffered: true }))
"""


def painted(browser: Browser, address: str, size: str) -> float:
    """Return the milliseconds until there is something to see."""
    page = browser.new_page(viewport=SIZES[size])
    page.goto(address)
    found: float = page.evaluate(PAINTED)
    page.close()
    return found


def main() -> None:
    """Measure; end with status 1 where it takes too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=5)
    asked = parser.parse_args()
    late = False
    with make_folder() as folder, serving(folder) as server, chromium() as browser:
        for size in SIZES:
            took = [painted(browser, server.address, size) for _ in range(asked.visits)]
            print(
                f"{size}: earliest {min(took):.0f} ms, median {statistics.median(took):.0f} ms, {MOST_MS:.0f} at most"
            )
            late = late or min(took) > MOST_MS
    sys.exit(late)


if __name__ == "__main__":
    main()
