"""The demo's events and shows: worth looking at, and true to the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from db import lists, paging
from db.engine import Database
from demo.box_office import SHOW_TICKETS, BoxOffice, make_box_office
from demo.load import load
from tests.support.ticketing import unbalanced

NOW = datetime(2026, 1, 14, 18, 40, tzinfo=UTC)
MISORDERED = """
    SELECT id FROM (
        SELECT id, created_at, lag(created_at) OVER (ORDER BY id) AS before FROM event_reservations
    ) AS ordered WHERE before > created_at
"""


@pytest.fixture(scope="module")
def made() -> BoxOffice:
    return make_box_office(1, spectators=400, now=NOW)


def test_box_office_is_equal_for_equal_instants(made: BoxOffice) -> None:
    assert make_box_office(1, spectators=400, now=NOW) == made


def test_has_at_least_two_dozen_future_events_and_some_sold_out(made: BoxOffice) -> None:
    assert 24 <= len(made.occasions) <= 40
    assert len({each.name for each in made.occasions}) == len(made.occasions)
    assert all(NOW < each.date < NOW + timedelta(days=92) for each in made.occasions)
    left = [each.capacity - each.taken for each in made.occasions]
    assert min(left) == 0
    assert 3 <= left.count(0) <= 6
    assert any(each.taken == 0 for each in made.occasions)
    assert any(0 < number < 20 for number in left)


def test_reservations_were_made_after_the_announcement_and_before_now(made: BoxOffice) -> None:
    assert all(each.announced_at < held.made_at < NOW for each in made.occasions for held in each.held)
    assert all(0 <= held.spectator < 400 and held.tickets > 0 for each in made.occasions for held in each.held)


def test_shows_are_in_the_future_and_one_is_full_and_one_empty(made: BoxOffice) -> None:
    sold = sorted(sum(buyer.tickets for buyer in show.buyers) for show in made.shows)
    assert all(show.show_timing > NOW for show in made.shows)
    assert (sold[0], sold[-1]) == (0, SHOW_TICKETS)
    # Numbers that France keeps for fiction: nobody will be called.
    assert all(buyer.phone_number.startswith("+33 1 99 00 ") for show in made.shows for buyer in show.buyers)


def test_larger_scale_has_more_seasons(made: BoxOffice) -> None:
    larger = make_box_office(3, spectators=1200, now=NOW)
    assert len(larger.occasions) == 3 * len(made.occasions)
    assert len({each.name for each in larger.occasions}) == len(larger.occasions)


async def test_loaded_tickets_match_counts_of_events_and_shows(database: Database) -> None:
    loaded = await load(database)
    assert await unbalanced(database) == []
    assert await database.primary.tuples(MISORDERED) == []
    assert await paging.count_rows(database.primary, lists.list_events()) == loaded.events
    assert 0 < await paging.count_rows(database.primary, lists.list_events(available_only=True)) < loaded.events
    assert await database.primary.value("SELECT count(*) FROM shows WHERE show_timing > clock_timestamp()") == 6
