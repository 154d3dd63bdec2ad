"""The scenarios: what each sends, to whom, and what it is measured against."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.peers.requests import FollowUp, Load, Request, query, read_document, run_for_each, run_statement
from benchmarks.peers.subjects import PASSWORD, Subjects, open_bookings

PUBLIC_URL: Final = "http://localhost"
PGBENCH: Final = "pgbench"
POSTGRAPHILE: Final = "postgraphile"
WORDS: Final = ("parrain", "casablanca", "jour", "le", "amelie", "xylophone")
PAGE: Final = {"scheme": "https", "path": "/movies", "query": {"sort": "new"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is asked of several servers in turns. The first of `peers` is the reference, whose ratio is 1.00."""

    name: str
    title: str
    peers: tuple[str, ...]
    # Makes the load of one run for a peer.
    load: Callable[[Subjects, str], Load]
    connections: int = 16
    pgbench_connections: int = 16
    # Whether a run leaves rows behind; every answer is then checked for refusals.
    writes: bool = False


def ask_document(_subjects: Subjects, peer: str, *, name: str) -> Load:
    """Return the load of a document without variables."""
    if peer == PGBENCH:
        return run_statement(name)
    return Load([query(read_document(name, dialect_of(peer)))])


def ask_node(subjects: Subjects, peer: str) -> Load:
    """Return the load of one movie at a time."""
    if peer == PGBENCH:
        return run_for_each("node", "movie_id", subjects.movies)
    document = read_document("node", dialect_of(peer))
    ids = subjects.movies if peer == POSTGRAPHILE else [f"mov_{each}" for each in subjects.movies]
    return Load([query(document, id=str(each)) for each in ids])


def ask_search(_subjects: Subjects, _peer: str) -> Load:
    """Return the load of frequent and rare words, one with an accent left out and one that is nowhere."""
    document = read_document("search")
    return Load([query(document, search=word) for word in WORDS])


def ask_bookings(subjects: Subjects, peer: str) -> Load:
    """Return the load of users who look at their bookings."""
    if peer == PGBENCH:
        return run_for_each("viewer_bookings", "user_id", [user_id for user_id, _ in subjects.buyers])
    document = read_document("viewer_bookings")
    return Load([query(document, token=token) for _, token in subjects.buyers])


def ask_rest_list(_subjects: Subjects, peer: str) -> Load:
    """Return the load of the REST list."""
    if peer == PGBENCH:
        return run_statement("rest_list", public_url=PUBLIC_URL)
    return Load([Request("GET", "/v1/movies?limit=20")])


def ask_sign_in(subjects: Subjects, _peer: str) -> Load:
    """Return the load of users who sign in with the right password."""
    document = read_document("sign_in")
    return Load([query(document, email=each.email, password=PASSWORD) for each in subjects.accounts])


def ask_booking_flow(subjects: Subjects, _peer: str) -> Load:
    """Return the load of one user who opens, reserves and confirms bookings of many sessions."""
    token = subjects.accounts[0].token
    opened = read_document("open_booking")
    reserve = query(read_document("reserve_seats"), token=token, booking="BOOKING", seats=2)
    confirm = query(read_document("confirm_booking"), token=token, booking="BOOKING")
    return Load(
        [query(opened, token=token, session=f"ses_{each}") for each in subjects.sessions],
        [FollowUp('"openBooking"', reserve), FollowUp('"reserveSeats"', confirm)],
    )


def ask_hot_session(subjects: Subjects, peer: str) -> Load:
    """Return the load of users who all reserve in one session, each time a new one."""
    if peer == PGBENCH:
        session_id, bookings = open_bookings(subjects, number=1)
        return run_statement("hot_session", session_id=session_id, booking_id=bookings[0][0])
    document = read_document("reserve_seats")
    _, bookings = open_bookings(subjects)
    return Load([query(document, token=token, booking=f"bok_{each}", seats=1) for each, token in bookings])


def ask_page_tracking(_subjects: Subjects, peer: str) -> Load:
    """Return the load of page views."""
    if peer == PGBENCH:
        return run_statement("page_tracking")
    return make_page_views()


def make_page_views() -> Load:
    """Return the load of page views of 64 visitors."""
    views = [{"tracking_id": f"visitor {number}", "type": "page_enter", "page": PAGE} for number in range(64)]
    return Load([Request("POST", "/v1/analytics/track", body=json.dumps(view)) for view in views])


def dialect_of(peer: str) -> str:
    """Return the folder of the documents that a peer understands."""
    return peer if peer == POSTGRAPHILE else ""


PROGRAMME_PEERS: Final = (
    "mercurius",
    "matinee",
    "matinee-cached",
    "matinee-executor",
    "yoga",
    "apollo",
    "postgraphile",
    "strawberry",
    PGBENCH,
)
OWN_SCHEMA: Final = ("mercurius", "matinee", "matinee-executor", "yoga", "apollo", "strawberry")
SIGN_IN: Final = ("mercurius", "matinee", "yoga", "apollo", "strawberry")
REST: Final = ("fastify", "matinee", "matinee-cached", "starlette", PGBENCH)
TRACKING: Final = ("fastify", "matinee", "starlette", PGBENCH)
BOOKING: Final = ("mercurius", "mercurius-matinee-sql", "matinee", "strawberry")

SCENARIOS: Final = (
    Scenario(
        name="flat-list",
        title="Flat list: 20 movies with rating and airing dates",
        peers=PROGRAMME_PEERS,
        load=partial(ask_document, name="flat_list"),
    ),
    Scenario(
        name="three-levels",
        title="Three levels: 10 movies, 5 places of each, 5 sessions of each",
        peers=PROGRAMME_PEERS,
        load=partial(ask_document, name="three_levels"),
    ),
    Scenario(name="node", title="`node(id:)`: one movie", peers=PROGRAMME_PEERS, load=ask_node),
    Scenario(name="search", title="Search: six words in turn, 20 movies of each", peers=OWN_SCHEMA, load=ask_search),
    Scenario(
        name="viewer-bookings",
        title="The viewer's bookings: 10 with session, movie and place",
        peers=(*OWN_SCHEMA, PGBENCH),
        load=ask_bookings,
    ),
    Scenario(name="rest-list", title="REST list of 20 movies", peers=REST, load=ask_rest_list),
    Scenario(name="sign-in", title="Sign-in: argon2id, 7 MiB, 5 passes", peers=SIGN_IN, load=ask_sign_in, writes=True),
    Scenario(
        name="booking-flow",
        title="Booking flow: open, reserve, confirm, one request each",
        peers=BOOKING,
        load=ask_booking_flow,
        writes=True,
    ),
    Scenario(
        name="hot-session",
        title="Hot session: 64 callers reserve in one session",
        peers=(*BOOKING, PGBENCH),
        load=ask_hot_session,
        connections=64,
        pgbench_connections=8,
        writes=True,
    ),
    Scenario(name="page-tracking", title="Page tracking", peers=TRACKING, load=ask_page_tracking, writes=True),
)
NAMED: Final = {scenario.name: scenario for scenario in SCENARIOS}
