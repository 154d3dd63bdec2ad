"""A visitor of the cinema: a page of the browser, and everything about it that no customer should have to see."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, Route, ViewportSize, expect

from tests.support.browser_cinema import Cinema, Customer
from tests.support.factories import PASSWORD

SIZES: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 360, "height": 740},
    "desktop": {"width": 1280, "height": 800},
}
# For what has nothing to do with the size of a screen.
on_phone: Final = pytest.mark.parametrize("size", ["phone"], indirect=True)
on_desktop: Final = pytest.mark.parametrize("size", ["desktop"], indirect=True)
# Two cores that others are using too.
PATIENCE_MS: Final = 20_000
LARGEST_SHIFT: Final = 0.1
AXE: Final = Path(AXE_FILE_PATH).read_text(encoding="utf-8")

SIGN_IN: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { errors { code } } }"
# The documents by which a page follows what it shows.
FOLLOWED: Final = re.compile(r"query (Seats|Tickets|Export)Now")
NOTHING: Final[dict[str, Any]] = {"data": {"nodes": []}}
# All that the dark scheme changes.
ALL_RULES: Final = {"resultTypes": ["violations"]}
COLOURS_ONLY: Final = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}

# As Lighthouse counts: the worst five seconds, in which no second is calm. What the visitor has just asked for does not count,
# and here neither does the answer to it, which takes its time on a busy machine.
OBSERVE: Final = """
    window.seen = {shift: 0, moved: [], violations: [], isAnswerExcused: true};
    const MOMENT = 1000;
    let acted = -Infinity;
    const excused = [];
    const isExcused = (time) => time - acted < MOMENT || excused.some(({from, to}) => from <= time && time < to);
    for (const kind of ['pointerdown', 'keydown'])
        addEventListener(kind, (event) => { if (event.isTrusted) acted = event.timeStamp; }, {capture: true, passive: true});
    const send = window.fetch;
    window.fetch = async (...given) => {
        const answer = {from: performance.now(), to: Infinity};
        if (isExcused(answer.from)) excused.push(answer);
        try {
            return await send(...given);
        } finally {
            answer.to = performance.now() + MOMENT;
        }
    };
    addEventListener('securitypolicyviolation', (event) =>
        window.seen.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
    let first = 0, last = 0, sum = 0;
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) {
            if (shift.hadRecentInput || window.seen.isAnswerExcused && isExcused(shift.startTime)) continue;
            const goesOn = shift.startTime - last < 1000 && shift.startTime - first < 5000;
            if (!goesOn) [first, sum] = [shift.startTime, 0];
            [last, sum] = [shift.startTime, sum + shift.value];
            window.seen.shift = Math.max(window.seen.shift, sum);
            for (const {node, previousRect, currentRect} of shift.sources)
                window.seen.moved.push(`${node?.nodeName}.${node?.className} ${previousRect.y} to ${currentRect.y}`);
        }
    }).observe({type: 'layout-shift', buffered: true});
"""
SEEN: Final = "() => window.seen ?? {shift: 0, moved: [], violations: []}"
# Images without a size of their own, or without a text, even an empty one.
LOOSE_IMAGES: Final = """
    () => [...document.images].filter((each) =>
        !(each.getAttribute('width') > 0 && each.getAttribute('height') > 0 && each.hasAttribute('alt')))
        .map((each) => each.outerHTML)
"""
# What reaches over the right edge, apart from what scrolls inside of something that does.
TOO_WIDE: Final = """
    (width) => document.documentElement.scrollWidth <= width ? [] :
        [...document.body.querySelectorAll('*')].filter((each) => each.getBoundingClientRect().right > width + 1)
            .slice(0, 5).map((each) => each.outerHTML.slice(0, 200)).concat(`${document.documentElement.scrollWidth} px wide`)
"""


@dataclass
class Visitor:
    """Somebody in front of a screen of some size."""

    page: Page
    cinema: Cinema
    size: str
    screens: Path
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect_trouble(self, *patterns: str) -> None:
        """Let complaints pass that match one of these patterns."""
        self.expected.extend(patterns)

    def blame_answers(self) -> None:
        """Complain also of what moves by an answer to what this visitor asks on the present page."""
        self.page.evaluate("() => { window.seen.isAnswerExcused = false; }")

    def deaf(self) -> None:
        """Hear nothing of what changes by itself, from the next page on."""
        self.page.route_web_socket("**/graphql", lambda _: None)
        self.page.route(
            "**/graphql",
            lambda route: route.fulfill(json=NOTHING) if FOLLOWED.search(asked(route)) else route.fallback(),
        )

    def sign_in(self) -> Customer:
        """Return the new customer that this visitor is from now on."""
        customer = self.cinema.customer()
        variables = {"input": {"identity": {"email": customer.email}, "password": PASSWORD}}
        headers = {"Matinee-Session": "keep", "Origin": self.cinema.url}
        body = {"query": SIGN_IN, "variables": variables}
        answer = self.page.context.request.post(f"{self.cinema.url}/graphql", data=body, headers=headers)
        assert answer.json()["data"]["signIn"]["errors"] == [], answer.text()
        return customer

    def visit(self, path: str) -> Page:
        """Return the page at a path, once it has something to show."""
        self.page.goto(f"{self.cinema.url}{path}")
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until nothing of the page is still to come."""
        expect(self.page.locator("h1")).to_have_count(1)
        expect(self.page.locator("[aria-busy=true], .bones:not(:has(+ button))")).to_have_count(0)

    def shoot(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture of the page."""
        self.page.screenshot(path=self.screens / f"{name}-{self.size}.png", full_page=whole, animations="disabled")

    def look(self, name: str) -> None:
        """Look at the page in light and dark: keep pictures, and complain of what is not for everybody."""
        self.shoot(name)
        self.complaints += [f"{name}: {found}" for found in [*self.misshapen(), *inaccessible(self.page)]]
        self.page.emulate_media(color_scheme="dark")
        self.shoot(f"{name}-dark", whole=False)
        self.complaints += [f"{name}, dark: {found}" for found in inaccessible(self.page, COLOURS_ONLY)]
        self.page.emulate_media(color_scheme="light")

    def misshapen(self) -> list[str]:
        """Return what would make the page jump, or scroll sideways."""
        loose = [f"an image without size or text: {found}" for found in self.page.evaluate(LOOSE_IMAGES)]
        wide = self.page.evaluate(TOO_WIDE, SIZES[self.size]["width"])
        return loose + [f"wider than the screen: {found}" for found in wide]

    def leave(self) -> list[str]:
        """Return what there was to complain of, without what was expected."""
        seen = self.page.evaluate(SEEN)
        self.complaints += [f"against the Content-Security-Policy: {found}" for found in seen["violations"]]
        if seen["shift"] >= LARGEST_SHIFT:
            self.complaints.append(f"the page jumps: layout shift {seen['shift']:.3f}: {seen['moved']}")
        return [found for found in self.complaints if not any(re.search(each, found) for each in self.expected)]


def enter(page: Page, customer: Customer) -> None:
    """Sign a customer in by the form of the page."""
    page.get_by_label("E-mail").fill(customer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def asked(route: Route) -> str:
    """Return what a request sends."""
    return route.request.post_data or ""


def inaccessible(page: Page, options: Mapping[str, Any] = ALL_RULES) -> list[str]:
    """Return what axe finds."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("(options) => axe.run(options)", dict(options))["violations"]
    return [f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}" for each in found]


@contextmanager
def visiting(browser: Browser, cinema: Cinema, *, size: str, screens: Path) -> Iterator[Visitor]:
    """Yield a visitor who has never been here."""
    expect.set_options(timeout=PATIENCE_MS)
    with browser.new_context(
        viewport=SIZES[size],
        # Not is_mobile: Chromium then takes whatever shifts in the first half second for the visitor's own doing.
        has_touch=size == "phone",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Paris",
        accept_downloads=True,
    ) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(OBSERVE)
        visitor = Visitor(context.new_page(), cinema, size, screens)
        watch(visitor)
        yield visitor


def watch(visitor: Visitor) -> None:
    """Have everything that goes wrong on a visitor's page noted down as a complaint."""

    def note(complaint: str | None) -> None:
        if complaint is not None:
            visitor.complaints.append(complaint)

    page, home = visitor.page, visitor.cinema.url
    page.on("console", lambda message: note(said(message)))
    page.on("pageerror", lambda error: note(f"uncaught: {error}"))
    page.on("request", lambda request: note(strange(request, home)))
    page.on("requestfailed", lambda request: note(failed(request)))
    page.on("response", lambda response: note(refused(response)))


def said(message: ConsoleMessage) -> str | None:
    """Return what a console's warning or error says."""
    return f"console: {message.text} ({message.location['url']})" if message.type in {"error", "warning"} else None


def strange(request: Request, home: str) -> str | None:
    """Return what is asked of others than the server."""
    return None if request.url.startswith((home, "data:", "blob:")) else f"asks somebody else: {request.url}"


def failed(request: Request) -> str | None:
    """Return why there was no answer, unless the page gave up because its visitor left it."""
    given_up = request.failure == "net::ERR_ABORTED"
    return None if given_up else f"failed: {request.method} {request.url}: {request.failure}"


def refused(response: Response) -> str | None:
    """Return an answer of 400 or more."""
    bad = response.status >= 400
    return f"status {response.status}: {response.request.method} {response.url}" if bad else None
