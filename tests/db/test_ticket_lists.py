"""The lists of events, reservations and tickets: what is in them, and in which order."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from db import lists, paging
from db.engine import Database
from db.models import Event
from db.paging import Listing
from tests.support.factories import make_user, soon
from tests.support.ticketing import make_event, make_event_reservation, make_show, make_ticket
from tests.support.walks import walk


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.id for row in rows]


async def found(database: Database, listing: Listing[Any]) -> list[int]:
    """Return the ids of the whole list, after making sure that it is counted right and numbered pages agree."""
    rows = ids(await walk(database, listing, size=2))
    assert await paging.count_rows(database.primary, listing) == len(rows)
    numbered = [
        ids(await paging.read_numbered_page(database.primary, listing, size=2, skipped=skip)) for skip in (0, 2, 4)
    ]
    assert list(chain.from_iterable(numbered)) == rows[:6]
    return rows


@pytest.fixture
async def season(database: Database) -> list[Event]:
    """Five events by their dates, which are not the order in which they are made; the third is sold out."""
    made = {
        day: await make_event(database, name=f"{name} {day}", date=soon(24 * day), taken=100 if day == 3 else 0)
        for day, name in ((4, "Métropolis"), (1, "Piano"), (3, "Piano"), (5, "Métropolis"), (2, "Bal"))
    }
    await make_event(database, name="Piano", deleted_at=soon(0))
    return [made[day] for day in sorted(made)]


async def test_events_are_listed_by_date(database: Database, season: list[Event]) -> None:
    assert await found(database, lists.list_events()) == ids(season)


async def test_events_of_one_date_are_listed_by_id(database: Database) -> None:
    made = [await make_event(database, date=soon()) for _ in range(5)]
    assert await found(database, lists.list_events()) == ids(made)


async def test_events_are_listed_by_age(database: Database, season: list[Event]) -> None:
    assert await found(database, lists.list_events_by_age()) == sorted(ids(season))


async def test_filter_by_dates_includes_both_bounds(database: Database, season: list[Event]) -> None:
    assert await found(database, lists.list_events(date_from=season[1].date, date_to=season[3].date)) == ids(
        season[1:4]
    )
    second = timedelta(seconds=1)
    listing = lists.list_events(date_from=season[1].date + second, date_to=season[3].date - second)
    assert await found(database, listing) == [season[2].id]


async def test_filter_leaves_out_sold_out_events(database: Database, season: list[Event]) -> None:
    assert await found(database, lists.list_events(available_only=True)) == ids(season[:2] + season[3:])


@pytest.mark.parametrize("query", ["metropolis", "MÉTRO", "metroplis", " metro 4 5 "])
async def test_search_finds_events_by_name(database: Database, season: list[Event], query: str) -> None:
    expected = [] if "4" in query else ids(season[3:])
    assert await found(database, lists.list_events(search_for=query)) == expected


async def test_all_filters_of_events_are_combined(database: Database, season: list[Event]) -> None:
    listing = lists.list_events(search_for="piano", date_from=soon(0), date_to=soon(999), available_only=True)
    assert await found(database, listing) == [season[0].id]


async def test_reservations_of_user_are_listed_newest_first(database: Database) -> None:
    user = await make_user(database)
    made = [await make_event_reservation(database, user=user, cancelled=number == 1) for number in range(3)]
    await make_event_reservation(database, user=await make_user(database))
    await make_event_reservation(database)
    assert await found(database, lists.list_event_reservations(user.id)) == ids(reversed(made))


async def test_open_list_has_reservations_without_user_and_own_ones(database: Database) -> None:
    user, other, staff = await make_user(database), await make_user(database), await make_user(database, is_staff=True)
    made = {
        owner: await make_event_reservation(database, user=owner_row)
        for owner, owner_row in (("nobody", None), ("user", user), ("other", other), ("nobody too", None))
    }
    seen = {
        None: ["nobody", "nobody too"],
        user.id: ["nobody", "user", "nobody too"],
        other.id: ["nobody", "other", "nobody too"],
        staff.id: list(made),
    }
    for viewer_id, names in seen.items():
        listing = lists.list_open_event_reservations(viewer_id=viewer_id)
        assert await found(database, listing) == [made[name].id for name in names]


async def test_tickets_of_show_are_listed_newest_first(database: Database) -> None:
    show, over = await make_show(database), await make_show(database, hours=-8)
    made = [await make_ticket(database, show=show) for _ in range(3)]
    await make_ticket(database, show=await make_show(database, hours=48))
    await make_ticket(database, show=over)
    assert await found(database, lists.list_tickets(show.id)) == ids(reversed(made))
    assert await found(database, lists.list_tickets(over.id)) == []
