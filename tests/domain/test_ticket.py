import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pytest

from db import lists, paging
from db.commit_batching import CommitBatcher
from db.engine import Database
from db.models import Show, Ticket
from domain import show, stock, ticket
from errors import InvalidDate, InvalidInput, Refusal, Refusals, SeatsUnavailable, ShowNotFound, TicketNotFound
from tests.support.counter import Way, by_itself, make_server, through_servers
from tests.support.counter import book as book_by
from tests.support.counter import delete as delete_by
from tests.support.counter import move as move_by
from tests.support.factories import soon
from tests.support.ticketing import make_show, make_ticket, sold, unbalanced


async def book(
    database: Database,
    *,
    show_timing: datetime,
    ticket_count: int = 1,
    user_name: str = "Ada",
    phone_number: str = "+33 1 99 00 12 34",
) -> Ticket:
    async with database.transaction() as tx:
        return await ticket.book_ticket(
            tx, user_name=user_name, phone_number=phone_number, ticket_count=ticket_count, show_timing=show_timing
        )


async def move(database: Database, row: Ticket, show_timing: datetime) -> Ticket:
    async with database.transaction() as tx:
        return await ticket.update_timing(tx, ticket_id=row.id, show_timing=show_timing)


async def delete(database: Database, row: Ticket) -> None:
    async with database.transaction() as tx:
        await ticket.delete_ticket(tx, ticket_id=row.id)


async def shows(database: Database) -> int:
    return int(await database.primary.value("SELECT count(*) FROM shows"))


async def test_first_ticket_creates_its_show(database: Database) -> None:
    made = await book(database, show_timing=soon(), ticket_count=4)
    found = await show.find_show(database.primary, show_timing=soon())
    assert (found.id, found.taken, found.capacity) == (made.show_id, 4, 20)
    assert (made.user_name, made.phone_number, made.ticket_count) == ("Ada", "+33 1 99 00 12 34", 4)
    again = await book(database, show_timing=soon(), ticket_count=16)
    assert again.show_id == made.show_id
    assert await sold(database, found) == 20


@pytest.mark.parametrize(("taken", "wanted"), [(20, 1), (19, 2), (0, 21), (0, stock.MOST_SEATS)])
async def test_refuses_twenty_first_ticket_and_changes_nothing(database: Database, taken: int, wanted: int) -> None:
    of = await make_show(database)
    if taken:
        await make_ticket(database, show=of, ticket_count=taken)
    with pytest.raises(SeatsUnavailable) as refused:
        await book(database, show_timing=of.show_timing, ticket_count=wanted)
    assert refused.value.words == {"seats_available": 20 - taken}
    assert await unbalanced(database) == []


async def test_refused_ticket_leaves_no_show(database: Database) -> None:
    with pytest.raises(SeatsUnavailable):
        await book(database, show_timing=soon(), ticket_count=21)
    assert await shows(database) == 0


@pytest.mark.parametrize("hours", [0, -1, -7, -9, -9999])
async def test_refuses_ticket_of_show_that_has_begun(database: Database, hours: float) -> None:
    await make_show(database, hours=hours)
    with pytest.raises(InvalidDate):
        await book(database, show_timing=soon(hours))
    with pytest.raises(InvalidDate):
        await book(database, show_timing=soon(hours - 1))
    assert await shows(database) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"user_name": " "}, "userName"),
        ({"user_name": "x" * 201}, "userName"),
        ({"phone_number": ""}, "phoneNumber"),
        ({"phone_number": "1" * 51}, "phoneNumber"),
        ({"phone_number": "\0"}, "phoneNumber"),
        ({"ticket_count": 0}, "ticketCount"),
        ({"ticket_count": stock.MOST_SEATS + 1}, "ticketCount"),
    ],
)
async def test_refuses_invalid_values_of_ticket(database: Database, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await book(database, show_timing=soon(), **given)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.words["field"] == field
    assert await shows(database) == 0


async def test_refuses_all_faults_of_ticket_at_once(database: Database) -> None:
    with pytest.raises(Refusals) as refused:
        await book(database, show_timing=soon(), user_name="", phone_number="", ticket_count=0)
    assert len(refused.value.exceptions) == 3


async def test_moves_ticket_to_other_show(database: Database) -> None:
    first, second = await make_show(database, hours=24), await make_show(database, hours=48)
    for origin, target in ((first, second), (second, first)):
        row = await make_ticket(database, show=origin, ticket_count=3)
        moved = await move(database, row, target.show_timing)
        assert moved.model_dump() == row.model_dump() | {"show_id": target.id}
        assert await ticket.find_ticket(database.primary, ticket_id=row.id) == moved
        assert (await sold(database, origin), await sold(database, target)) in {(0, 3), (3, 3)}
        assert await unbalanced(database) == []


async def test_moves_ticket_to_new_show(database: Database) -> None:
    row = await make_ticket(database, ticket_count=20)
    moved = await move(database, row, soon(48))
    assert moved.show_id != row.show_id
    assert await unbalanced(database) == []


async def test_ticket_keeps_its_show_when_other_show_is_full(database: Database) -> None:
    row, full = await make_ticket(database, ticket_count=3), await make_show(database, hours=48)
    await make_ticket(database, show=full, ticket_count=18)
    with pytest.raises(SeatsUnavailable) as refused:
        await move(database, row, full.show_timing)
    assert refused.value.words == {"seats_available": 2}
    assert await ticket.find_ticket(database.primary, ticket_id=row.id) == row
    assert await unbalanced(database) == []


async def test_ticket_can_be_moved_to_its_own_show(database: Database) -> None:
    row = await make_ticket(database, ticket_count=20)
    assert await move(database, row, soon()) == row
    assert await unbalanced(database) == []


async def test_ticket_of_running_show_can_move_to_future_show_only(database: Database) -> None:
    row = await make_ticket(database, show=await make_show(database, hours=-7))
    for hours in (-7.0, -6.0):
        with pytest.raises(InvalidDate):
            await move(database, row, soon(hours))
    assert (await move(database, row, soon(3))).show_id != row.show_id
    assert await unbalanced(database) == []


async def test_move_of_missing_ticket_leaves_no_show(database: Database) -> None:
    row = await make_ticket(database)
    await delete(database, row)
    with pytest.raises(TicketNotFound):
        await move(database, row, soon(48))
    assert await shows(database) == 1


async def test_deleted_ticket_frees_its_number_once(database: Database) -> None:
    of = await make_show(database)
    row, kept = await make_ticket(database, show=of, ticket_count=3), await make_ticket(database, show=of)
    await delete(database, row)
    for attempt in (delete(database, row), ticket.find_ticket(database.primary, ticket_id=row.id)):
        with pytest.raises(TicketNotFound):
            await attempt
    assert await sold(database, of) == kept.ticket_count
    assert await unbalanced(database) == []


async def listed(database: Database, of: Show) -> int:
    listing, codec = lists.list_tickets(of.id), database.cursors
    return len((await paging.read_page(database.primary, codec, listing, paging.make_window())).rows)


async def test_show_and_its_tickets_expire_eight_hours_after_start(database: Database) -> None:
    live, over = await make_show(database, hours=-7.9), await make_show(database, hours=-8)
    kept, lost = await make_ticket(database, show=live), await make_ticket(database, show=over)
    assert await show.find_show(database.primary, show_id=live.id) == await show.find_show(
        database.primary, show_timing=live.show_timing
    )
    assert await ticket.find_ticket(database.primary, ticket_id=kept.id) == kept
    assert (await listed(database, live), await listed(database, over)) == (1, 0)
    for find in ({"show_id": over.id}, {"show_timing": over.show_timing}):
        with pytest.raises(ShowNotFound):
            await show.find_show(database.primary, **find)
    for attempt in (
        ticket.find_ticket(database.primary, ticket_id=lost.id),
        move(database, lost, soon()),
        delete(database, lost),
    ):
        with pytest.raises(TicketNotFound):
            await attempt


async def test_expired_shows_are_deleted_with_their_tickets_in_batches(database: Database) -> None:
    over = [await make_show(database, hours=hours) for hours in (-8, -9, -1000)]
    for each in over:
        await make_ticket(database, show=each)
    kept = await make_ticket(database, show=await make_show(database, hours=-7.9))
    deleted = []
    for _ in range(3):
        async with database.transaction() as tx:
            deleted.append(await show.delete_expired_shows(tx, batch=2))
    assert deleted == [2, 1, 0]
    assert await database.primary.tuples("SELECT id FROM tickets") == [(kept.id,)]
    assert await shows(database) == 1


async def test_finds_show_by_id_and_time_when_both_match(database: Database) -> None:
    of, other = await make_show(database), await make_show(database, hours=48)
    assert await show.find_show(database.primary, show_id=of.id, show_timing=of.show_timing) == of
    for find in ({"show_id": of.id, "show_timing": other.show_timing}, {"show_id": 1}, {}):
        with pytest.raises(ShowNotFound):
            await show.find_show(database.primary, **find)


async def change(way: Way, rows: Sequence[Ticket], asked: tuple[str, int, int, float]) -> tuple[object, ...]:
    """Return what came of one change: of which ticket or how many, and to which hour."""
    kind, which, count, hours = asked
    try:
        match kind:
            case "book":
                made = await book_by(way, soon(hours), count)
            case "move":
                made = await move_by(way, rows[which], soon(hours))
            case _:
                await delete_by(way, rows[which])
                return (kind,)
    except Refusal as refusal:
        return kind, type(refusal), str(refusal)
    return kind, made.user_name, made.ticket_count, made.show_id


BOOKS: Final = """
    SELECT show_timing, taken, array_agg((ticket_count, user_name)::text ORDER BY ticket_count, user_name)
    FROM shows LEFT JOIN tickets ON show_id = shows.id GROUP BY shows.id ORDER BY show_timing
"""
HOURS: Final = (-9, -1, 1, 2, 3, 4)


async def make_changes(
    database: Database, asked: Sequence[tuple[str, int, int, float]], way: Way, *, at_once: bool
) -> tuple[list[tuple[object, ...]], object]:
    """Return what came of changes of the same tickets, and the books after them; shows are named by their time."""
    await database.primary.value("DELETE FROM shows RETURNING 1")
    # Those of the last two hours are not there yet.
    rows = [
        await make_ticket(database, show=of, ticket_count=3 + place, user_name=f"{hours} {place}")
        for hours in HOURS[:4]
        for of in [await make_show(database, hours=hours)]
        for place in range(4)
    ]
    if at_once:
        found = await asyncio.gather(*(change(way, rows, each) for each in asked))
    else:
        found = [await change(way, rows, each) for each in asked]
    times = dict(await database.primary.tuples("SELECT id, show_timing FROM shows"))
    named = [(*outcome[:3], times[outcome[3]]) if len(outcome) > 3 else outcome for outcome in found]
    assert await unbalanced(database) == []
    return named, await database.primary.tuples(BOOKS)


@pytest.mark.parametrize("seed", range(8))
async def test_changes_made_together_have_the_outcomes_of_changes_made_one_by_one(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    kinds = ["book"] * 3 + ["move"] * 3 + ["delete"]
    asked = [
        (chance.choice(kinds), chance.randrange(16), chance.choice([1, 2, 5, 21]), float(chance.choice(HOURS)))
        for _ in range(40)
    ]
    one_by_one = await make_changes(database, asked, by_itself(database), at_once=False)
    together = await make_changes(database, asked, through_servers(make_server(database)), at_once=True)
    assert together == one_by_one
    # Those with a message were refused, those with a show were not.
    assert {len(outcome) for outcome in together[0]} >= {3, 4}


async def test_changes_that_arrive_together_share_commits(database: Database) -> None:
    shared = through_servers(make_server(database))
    rows = [await make_ticket(database, show=await make_show(database, hours=hours)) for hours in (1, 2, 3)]
    found = await asyncio.gather(
        *(book_by(shared, soon(hours)) for hours in (3, 2, 1, 9, 8) for _ in range(5)),
        *(move_by(shared, row, soon(7)) for row in rows),
    )
    assert len(found) == 28
    assert await database.primary.value("SELECT count(DISTINCT xmin::text) FROM tickets") == 1
    assert await unbalanced(database) == []


async def test_refused_changes_of_batch_leave_no_show(database: Database) -> None:
    shared, row = through_servers(make_server(database)), await make_ticket(database)
    found = await asyncio.gather(
        delete_by(shared, row),
        move_by(shared, row, soon(48)),
        book_by(shared, soon(72), 21),
        book_by(shared, soon(-1)),
        return_exceptions=True,
    )
    assert [type(each) for each in found] == [type(None), TicketNotFound, SeatsUnavailable, InvalidDate]
    assert await shows(database) == 1


async def test_value_that_cannot_be_stored_fails_only_its_own_change(database: Database) -> None:
    shared: CommitBatcher = make_server(database)
    good = {"user_name": "Ada", "phone_number": "1", "number": 1, "show_timing": soon()}
    found = await asyncio.gather(
        *(shared.make_rows(ticket.make_outcome, ticket.BOOK, good | {"user_name": name}) for name in ("a", "\0", "b")),
        return_exceptions=True,
    )
    assert [type(each) for each in found] == [list, InvalidInput, list]
    assert await database.primary.value("SELECT taken FROM shows") == 2
