"""What providers told is kept: joined across providers, by the same offer for ever, and never lost by a failure."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from db.engine import Database
from tests.support.prices import entry, fall_silent, offers_of, tell


async def rows(database: Database, provider: str = "cinemaworld") -> dict[str, tuple[Any, ...]]:
    statement = "SELECT provider_movie_id, price, listed FROM provider_movies WHERE provider = %(provider)s"
    return {row[0]: row[1:] for row in await database.primary.tuples(statement, provider=provider)}


async def test_entries_of_both_providers_share_offer(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"), entry("cw2", "Amélie", "2001"))
    await tell(database, "filmworld", entry("fw1", "Anything"), entry("fwx", "AMELIE!", "2001"))

    ours, theirs = await offers_of(database, "cinemaworld"), await offers_of(database, "filmworld")
    assert (theirs["fw1"], theirs["fwx"]) == (ours["cw1"], ours["cw2"])
    assert ours["cw1"] != ours["cw2"]


async def test_repeated_answers_keep_offer(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"), entry("cw2", "Alien", "1979"))
    before = await offers_of(database, "cinemaworld")
    for price in ("11", "12"):
        await tell(database, "cinemaworld", entry("cw2", "Alien", "1979", price), entry("cw1"))

    assert await offers_of(database, "cinemaworld") == before
    assert (await rows(database))["cw2"] == (Decimal(12), True)


async def test_entry_with_new_title_is_matched_again_and_renames_offer(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw2", "Alein", "1979"))
    await tell(database, "filmworld", entry("fw2", "Alien", "1979"))
    assert await offers_of(database, "filmworld") == {"fw2": (await offers_of(database, "cinemaworld"))["cw1"]}

    await tell(database, "filmworld", entry("fw2", "Aliens", "1986"))

    assert (await offers_of(database, "filmworld"))["fw2"] != (await offers_of(database, "cinemaworld"))["cw1"]
    assert {row[0] for row in await database.primary.tuples("SELECT title FROM movie_offers")} >= {"Alien", "Aliens"}


async def test_unlisted_entry_is_stored_but_not_sold(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"), entry("cw2", "Alien", "1979"))
    await tell(database, "cinemaworld", entry("cw1"))

    assert {identity: listed for identity, (_, listed) in (await rows(database)).items()} == {"cw1": True, "cw2": False}


async def test_missing_detail_keeps_price_and_detail_without_price_removes_it(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", price="24.50"))
    await tell(database, "cinemaworld", replace(entry("cw1", price=None), priced=False))
    assert (await rows(database))["cw1"][0] == Decimal("24.50")

    await tell(database, "cinemaworld", entry("cw1", price=None))
    assert (await rows(database))["cw1"][0] is None


async def test_prices_keep_every_digit(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", price="0.10000000000000000001"), entry("cw2", "B", price="24.50"))

    assert {str(price) for price, _ in (await rows(database)).values()} == {"0.10000000000000000001", "24.50"}


async def test_first_seen_stays_and_last_seen_moves(database: Database) -> None:
    statement = "SELECT first_seen_at, last_seen_at FROM provider_movies"
    await tell(database, "cinemaworld", entry("cw1"))
    ((first, last),) = await database.primary.tuples(statement)
    await tell(database, "cinemaworld", entry("cw1"))
    ((first_again, last_again),) = await database.primary.tuples(statement)

    assert first == last == first_again < last_again


async def test_failure_keeps_entries(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"))
    await fall_silent(database, "cinemaworld")

    assert (await rows(database))["cw1"] == (Decimal(10), True)


async def test_unlisted_entry_matches_no_entry(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw1", "Alien", "1979"))

    await tell(database, "filmworld", entry("fw2", "AMELIE", "2001"))
    await tell(database, "cinemaworld", entry("cw1", "Amélie", "2001"))

    ours, theirs = await offers_of(database, "cinemaworld"), await offers_of(database, "filmworld")
    assert ours["cw1"] == theirs["fw2"]


async def test_offers_part_when_their_common_entry_is_no_longer_sold(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw1", "Alien", "1979"))
    # By its id cw1 is the movie of fw1, and by its title cw2 is.
    await tell(database, "cinemaworld", entry("cw1", "Amélie", "2001"), entry("cw2", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw3", "Alien", "1979"))

    ours, theirs = await offers_of(database, "cinemaworld"), await offers_of(database, "filmworld")
    assert ours["cw2"] == theirs["fw3"]
    assert ours["cw1"] != ours["cw2"]
    titles = await database.primary.tuples("SELECT id, title FROM movie_offers")
    assert {ours["cw1"]: "Amélie", ours["cw2"]: "Alien"}.items() <= dict(titles).items()


async def test_entry_of_other_provider_moves_when_its_match_is_gone(database: Database) -> None:
    await tell(database, "filmworld", entry("fw1", "Alien", "1979"), entry("fw9", "Amélie", "2001"))
    await tell(database, "cinemaworld", entry("cw1", "Amélie", "2001"))
    first = await offers_of(database, "filmworld")
    assert first["fw9"] != first["fw1"] == (await offers_of(database, "cinemaworld"))["cw1"]

    await tell(database, "filmworld", entry("fw9", "Amélie", "2001"))

    theirs = await offers_of(database, "filmworld")
    assert (await offers_of(database, "cinemaworld"))["cw1"] == theirs["fw9"] == first["fw9"]


async def test_entry_sold_again_is_matched_again(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw5", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw9", "Alien", "1979"))
    await tell(database, "filmworld", entry("fw8", "Brazil", "1985"))
    await tell(database, "cinemaworld", entry("cw5", "Amélie", "2001"))

    await tell(database, "filmworld", entry("fw9", "Alien", "1979"))

    assert (await offers_of(database, "cinemaworld"))["cw5"] != (await offers_of(database, "filmworld"))["fw9"]


async def test_movie_with_new_id_keeps_its_offer(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Alien", "1979"))
    await tell(database, "cinemaworld", entry("cw2", "Alien", "1979"))

    ours = await offers_of(database, "cinemaworld")
    assert ours["cw1"] == ours["cw2"]


async def test_entry_that_keeps_title_keeps_offer(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Alien", None))
    await tell(database, "filmworld", entry("fw2", "Alien", None))
    (before,) = (await offers_of(database, "filmworld")).values()

    await tell(database, "cinemaworld", entry("cw1", "Brazil", "1985"))

    assert await offers_of(database, "filmworld") == {"fw2": before}
    assert (await offers_of(database, "cinemaworld"))["cw1"] != before
