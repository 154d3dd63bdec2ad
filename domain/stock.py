"""The only writer of `taken`, what sessions, events and shows have sold: under the row's lock, and never above capacity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

from db.engine import StatementRunner, Transaction
from db.models import SHOW_CAPACITY, Booking, BookingStatus
from db.pipeline.statement import Row, make_row_maker
from db.shared_change import ManyChanges, SharedChange

# An Int has 32 bits in GraphQL; callers cannot send a larger number of seats.
MOST_SEATS: Final = 2**31 - 1

make_booking_row: Final = make_row_maker(Booking)


@dataclass(frozen=True, slots=True)
class Wares:
    """A table whose rows sell seats or tickets, the table of its sales, and their columns: `key` of the row, `number` sold.

    `sold_until` is the column of the instant from which a row sells no more, where it has one.
    """

    table: str
    sold: str
    key: str
    number: str
    sold_until: str | None = None


EVENT_TICKETS: Final = Wares("events", "event_reservations", "event_id", "tickets", sold_until="date")
COUNTER_TICKETS: Final = Wares("shows", "tickets", "show_id", "ticket_count", sold_until="show_timing")


def write_lock(table: str, which: str, *, sold_until: str | None = None) -> str:
    """Return the SQL that locks selling rows and reads their counts; statements name it `selling`."""
    columns = ", ".join(filter(None, ("id", "capacity", "taken", sold_until)))
    return f"SELECT {columns} FROM {table} WHERE {which} FOR NO KEY UPDATE"


def write_closing(wares: Wares) -> str:
    """Return the SQL that reads whether the locked row still sells; statements name it `closing`.

    It reads the clock once, after the lock: a transaction that waited for the lock sees a row that closed meanwhile.
    """
    is_over = f"{wares.sold_until} <= clock_timestamp()" if wares.sold_until else "false"
    return f"SELECT {is_over} AS is_over FROM selling"


def write_count(table: str, *, more: str, beside: str = "", when: str = "true") -> str:
    """Return the SQL that adds `more` to `taken` where the capacity allows it and `when` is true: the only writer of `taken`.

    `beside` names the tables that `more` and `when` read. The condition uses `selling.taken`, read under the
    lock. The table's own `taken` is that of the statement's snapshot, and misses what was freed during a wait for the lock.
    The SQL returns the row's id and the `moment` of the change.
    """
    return f"""
        UPDATE {table} SET taken = selling.taken + ({more})
        FROM {", ".join(filter(None, ("selling", beside)))}
        WHERE {table}.id = selling.id AND {when} AND selling.taken + ({more}) <= {table}.capacity
        RETURNING {table}.id, clock_timestamp() AS moment
    """


def write_opening(*, number: str, beside: str, when: str) -> str:
    """Return the SQL that adds the show of %(show_timing)s with `number` sold, where there is none and `when` is true.

    The statement has locked shows as `selling` before. The SQL returns the show's id. Whoever adds shows has the lock of
    domain/ticket.py on their time, except for a server of a version before it; then the two sales are added up.
    """
    return f"""
        INSERT INTO shows AS opening (show_timing, capacity, taken)
        SELECT %(show_timing)s::timestamptz, {SHOW_CAPACITY}, {number} FROM {beside}
        WHERE {when} AND {number} <= {SHOW_CAPACITY}
            AND NOT EXISTS (SELECT FROM selling WHERE show_timing = %(show_timing)s::timestamptz)
        ON CONFLICT (show_timing) DO UPDATE SET taken = opening.taken + excluded.taken
            WHERE opening.taken + excluded.taken <= opening.capacity
        RETURNING id
    """


def write_sale(wares: Wares, *, which: str, columns: Sequence[str], moments: Sequence[str] = ()) -> str:
    """Return the statement that sells %(number)s of the selling row, if that many are left.

    `which` finds the selling row. The sale's `columns` come from parameters of their names, its `moments` from the clock.
    """
    values = ", ".join([*(f"%({name})s" for name in columns), *("moment" for _ in moments)])
    return f"""
        WITH selling AS MATERIALIZED (
            {write_lock(wares.table, which, sold_until=wares.sold_until)}
        ), closing AS MATERIALIZED (
            {write_closing(wares)}
        ), counted AS (
            {write_count(wares.table, more="%(number)s::bigint", beside="closing", when="NOT closing.is_over")}
        ), sold AS (
            INSERT INTO {wares.sold} ({wares.key}, {wares.number}, {", ".join((*columns, *moments))})
            SELECT id, %(number)s::bigint, {values} FROM counted
            RETURNING *
        )
        SELECT selling.capacity - selling.taken AS available, closing.is_over, sold.id IS NOT NULL AS is_changed, sold.*
        FROM selling CROSS JOIN closing LEFT JOIN sold ON true
    """


def write_change(wares: Wares, *, which: str, more: str, change: str, when: str = "true") -> str:
    """Return the statement that changes the sale %(id)s, where `which` is true for it.

    It locks the selling row first, then the sale, here named `held`. It adds `more` to `taken`, and `change` then writes the
    sale, reading `held` and `counted`. A refused change returns the sale as it is. A selling row that has closed takes
    seats or tickets back but sells no more.
    """
    row = f"id = (SELECT {wares.key} FROM {wares.sold} WHERE id = %(id)s AND {which})"
    allowed = f"{when} AND (NOT closing.is_over OR ({more}) <= 0)"
    return f"""
        WITH selling AS MATERIALIZED (
            {write_lock(wares.table, row, sold_until=wares.sold_until)}
        ), closing AS MATERIALIZED (
            {write_closing(wares)}
        ), held AS MATERIALIZED (
            SELECT {wares.sold}.* FROM selling JOIN {wares.sold} ON {wares.key} = selling.id
            WHERE {wares.sold}.id = %(id)s
            FOR NO KEY UPDATE OF {wares.sold}
        ), counted AS (
            {write_count(wares.table, more=more, beside="held, closing", when=allowed)}
        ), changed AS (
            {change}
        ), result AS (
            SELECT true AS is_changed, * FROM changed
            UNION ALL SELECT false, * FROM held WHERE NOT EXISTS (SELECT FROM changed)
        )
        SELECT selling.capacity - selling.taken AS available, closing.is_over, result.*
        FROM selling CROSS JOIN closing CROSS JOIN result
    """


@dataclass(frozen=True, slots=True)
class SaleOutcome(Generic[Row]):
    """The outcome of a sale or change: the row, None for a refused sale, how many are left, and whether selling is over."""

    row: Row | None
    is_changed: bool
    available: int
    is_over: bool


def make_sale_outcome_maker(model: type[Row]) -> Callable[..., SaleOutcome[Row]]:
    """Return the function that makes an outcome of a row of `write_sale` or `write_change`."""
    make = make_row_maker(model)

    def made(*, available: int, is_over: bool, is_changed: bool, **columns: Any) -> SaleOutcome[Row]:
        return SaleOutcome(make(**columns) if columns["id"] is not None else None, is_changed, available, is_over)

    return made


# Changes the seats of an open booking. As in every statement here, each outcome takes one round trip, refusals included, so
# that many callers of a sold-out session hold its lock for a short time. The clock is read once session and booking are
# locked, not at the transaction's start. A locked row is read in its newest version, so the difference to the booking's
# seats is never computed from stale ones. Where seats are short, expired holds of other bookings are freed; the caller's
# own booking is never among them. The conditional UPDATE makes overselling impossible; the CHECK of the table backs it.
OWN_SESSION: Final = "id = (SELECT session_id FROM bookings WHERE id = %(booking_id)s AND user_id = %(user_id)s)"
OWN_SESSIONS: Final = """
    SELECT session_id FROM asked JOIN bookings ON bookings.id = booking_id AND bookings.user_id = asked.user_id
"""
MORE_SEATS: Final = "%(seats)s::bigint - live.reserved_seats - freed.seats"
COUNT_SEATS: Final = write_count("sessions", more=MORE_SEATS, beside="live, freed", when="live.is_live")
ALONE: Final = f"""
    WITH selling AS MATERIALIZED (
        {write_lock("sessions", OWN_SESSION)}
    ), held AS MATERIALIZED (
        SELECT bookings.id, bookings.status, bookings.reserved_seats, bookings.closes_at
        FROM selling JOIN bookings ON bookings.session_id = selling.id
        WHERE bookings.id = %(booking_id)s
        FOR NO KEY UPDATE OF bookings
    ), live AS MATERIALIZED (
        SELECT held.*, moment, status = 'open' AND closes_at > moment AS is_live
        FROM held CROSS JOIN LATERAL (SELECT clock_timestamp() AS moment) AS clock
    ), lapsed AS MATERIALIZED (
        SELECT bookings.id, bookings.reserved_seats
        FROM selling CROSS JOIN live JOIN bookings ON bookings.session_id = selling.id
        WHERE live.is_live AND selling.taken + %(seats)s::bigint - live.reserved_seats > selling.capacity
            AND bookings.status = 'open' AND bookings.closes_at <= live.moment AND bookings.id <> live.id
        FOR NO KEY UPDATE OF bookings
    ), freed AS MATERIALIZED (
        SELECT coalesce(sum(reserved_seats), 0) AS seats FROM lapsed
    ), counted AS (
        {COUNT_SEATS}
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0
        FROM lapsed, counted WHERE bookings.id = lapsed.id
    ), changed AS (
        UPDATE bookings SET
            reserved_seats = %(seats)s::bigint,
            status = CASE WHEN %(cancel)s THEN 'cancelled' ELSE 'open' END,
            cancelled_at = CASE WHEN %(cancel)s THEN live.moment END
        FROM live, counted WHERE bookings.id = live.id
        RETURNING bookings.*
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT live.id, %(seats)s::bigint, live.moment FROM live, counted WHERE live.reserved_seats <> %(seats)s::bigint
        UNION ALL
        SELECT lapsed.id, 0, live.moment FROM live, counted, lapsed WHERE lapsed.reserved_seats > 0
    )
    SELECT
        CASE WHEN live.status = 'open' AND NOT live.is_live THEN 'expired' ELSE live.status END AS was,
        selling.capacity - selling.taken + freed.seats AS seats_available,
        changed.*
    FROM selling CROSS JOIN live CROSS JOIN freed LEFT JOIN changed ON true
"""

# The same for several callers, in their order: each gets all of the seats or none, so what is granted to one depends on what
# was granted to those before. Expired holds are freed once for a session whose callers want more than is left, and only if
# a caller got seats that were freed.
GRANT: Final = "grant_seats(more, room + freed) OVER (PARTITION BY session_id ORDER BY place ROWS UNBOUNDED PRECEDING)"
TOGETHER: Final = f"""
    selling AS MATERIALIZED (
        {write_lock("sessions", f"id IN ({OWN_SESSIONS}) ORDER BY id")}
    ), held AS MATERIALIZED (
        SELECT bookings.id, bookings.session_id, bookings.status, bookings.reserved_seats, bookings.closes_at,
            place, seats, cancel, capacity - taken AS room
        FROM asked JOIN bookings ON bookings.id = booking_id AND bookings.user_id = asked.user_id
            JOIN selling ON selling.id = bookings.session_id
        ORDER BY bookings.id FOR NO KEY UPDATE OF bookings
    ), clock AS MATERIALIZED (
        -- Read once all of them are locked, which counting them makes sure of.
        SELECT count(*) AS locked, clock_timestamp() AS moment FROM held
    ), live AS MATERIALIZED (
        SELECT held.*, moment, status = 'open' AND closes_at > moment AS is_live,
            CASE WHEN status = 'open' AND closes_at > moment THEN seats - reserved_seats END AS more
        FROM held CROSS JOIN clock
    ), short AS (
        SELECT session_id FROM live GROUP BY session_id HAVING sum(greatest(more, 0)) > min(room)
    ), lapsed AS MATERIALIZED (
        SELECT bookings.id, session_id, bookings.reserved_seats, moment
        FROM short JOIN bookings USING (session_id) CROSS JOIN clock
        WHERE bookings.status = 'open' AND bookings.closes_at <= moment
        ORDER BY bookings.id FOR NO KEY UPDATE OF bookings
    ), roomy AS (
        SELECT live.*, coalesce(gone.seats, 0) AS freed
        FROM live LEFT JOIN (
            SELECT session_id, sum(reserved_seats)::bigint AS seats FROM lapsed GROUP BY session_id
        ) AS gone USING (session_id)
    ), granted AS (
        SELECT *, {GRANT} AS after FROM roomy
    ), judged AS MATERIALIZED (
        SELECT *, is_live AND after = before + more AS is_granted
        FROM (
            SELECT *, coalesce(lag(after) OVER (PARTITION BY session_id ORDER BY place), 0) AS before FROM granted
        ) AS followed
    ), total AS MATERIALIZED (
        SELECT session_id, bool_or(after > room) AS uses_freed,
            sum(more)::bigint - CASE WHEN bool_or(after > room) THEN min(freed) ELSE 0 END AS more
        FROM judged WHERE is_granted GROUP BY session_id
    ), counted AS (
        {write_count("sessions", more="total.more", beside="total", when="total.session_id = selling.id")}
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0
        FROM lapsed JOIN total USING (session_id) JOIN counted ON counted.id = session_id
        WHERE bookings.id = lapsed.id AND uses_freed
    ), changed AS (
        UPDATE bookings SET
            reserved_seats = judged.seats,
            status = CASE WHEN cancel THEN 'cancelled' ELSE 'open' END,
            cancelled_at = CASE WHEN cancel THEN judged.moment END
        FROM judged JOIN counted ON counted.id = session_id WHERE bookings.id = judged.id AND is_granted
        RETURNING bookings.*
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT judged.id, seats, judged.moment FROM judged JOIN counted ON counted.id = session_id
        WHERE is_granted AND more <> 0
        UNION ALL
        SELECT lapsed.id, 0, lapsed.moment FROM lapsed JOIN total USING (session_id) JOIN counted ON counted.id = session_id
        WHERE uses_freed AND reserved_seats > 0
    )
    SELECT
        place,
        CASE WHEN judged.status = 'open' AND NOT is_live THEN 'expired' ELSE judged.status END AS was,
        room + freed - before AS seats_available,
        changed.*
    FROM judged LEFT JOIN changed ON changed.id = judged.id
"""
# Runs before the change in its transaction. A statement that waits for a lock keeps the snapshot from before the wait, and
# its UPDATE comes from the row's version in that snapshot. While a booking of the session is being opened, whose foreign
# key locks that version too, the UPDATE has to queue there, behind callers who already wait for this transaction: a
# deadlock. A statement that begins once the session is locked starts from its newest version, where nobody is ahead.
LOCK_ONE: Final = f"SELECT FROM sessions WHERE {OWN_SESSION} FOR NO KEY UPDATE"
CHANGE: Final = SharedChange(
    ALONE,
    lock=LOCK_ONE,
    many=ManyChanges(
        TOGETHER,
        columns={"user_id": "bigint", "booking_id": "bigint", "seats": "bigint", "cancel": "boolean"},
        key="booking_id",
        fewest=3,
        # It locks in order, but the sessions have to be locked before it begins.
        locks_in_order=False,
    ),
)

# Runs before several changes in one transaction, for the reason of LOCK_ONE: locks every session that they change, in id
# order, so that two such transactions cannot deadlock.
LOCK_ALL: Final = """
    SELECT FROM sessions WHERE id IN (SELECT session_id FROM bookings WHERE id = ANY (%(booking_ids)s))
    ORDER BY id FOR NO KEY UPDATE
"""

# Runs after several changes have waited for a lock in vain: the places of those whose session and booking nobody else holds.
# What it locks is free again at once.
FIND_FREE: Final = """
    WITH asked AS MATERIALIZED (
        SELECT booking_id, coalesce(changes.session_id, bookings.session_id) AS session_id, place
        FROM unnest(%(booking_ids)s::bigint[], %(session_ids)s::bigint[]) WITH ORDINALITY
            AS changes (booking_id, session_id, place)
        LEFT JOIN bookings ON bookings.id = booking_id
    ), selling AS MATERIALIZED (
        SELECT id FROM sessions WHERE id IN (SELECT session_id FROM asked) FOR NO KEY UPDATE SKIP LOCKED
    ), held AS MATERIALIZED (
        SELECT id FROM bookings WHERE id IN (SELECT booking_id FROM asked) FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT place FROM asked
    WHERE (session_id IN (SELECT id FROM selling) OR NOT EXISTS (SELECT FROM sessions WHERE id = session_id))
        AND (booking_id IN (SELECT id FROM held) OR NOT EXISTS (SELECT FROM bookings WHERE id = booking_id))
"""

# Locks sessions in id order, and skips locked ones: the next run is soon enough.
GIVE_BACK: Final = f"""
    WITH due AS MATERIALIZED (
        SELECT id, session_id FROM bookings
        WHERE status = 'open' AND closes_at <= clock_timestamp()
        ORDER BY closes_at LIMIT %(batch)s
    ), selling AS MATERIALIZED (
        {write_lock("sessions", "id IN (SELECT session_id FROM due) ORDER BY id")} SKIP LOCKED
    ), lapsed AS MATERIALIZED (
        SELECT bookings.id, bookings.session_id, bookings.reserved_seats, clock_timestamp() AS moment
        FROM selling JOIN due ON due.session_id = selling.id JOIN bookings ON bookings.id = due.id
        WHERE bookings.status = 'open'
        FOR NO KEY UPDATE OF bookings
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0 FROM lapsed WHERE bookings.id = lapsed.id
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT id, 0, moment FROM lapsed WHERE reserved_seats > 0
    ), gone AS (
        SELECT session_id, sum(reserved_seats) AS seats FROM lapsed GROUP BY session_id
    ), freed AS (
        {write_count("sessions", more="- gone.seats", beside="gone", when="gone.session_id = sessions.id")}
    )
    SELECT count(*) FROM lapsed
"""


@dataclass(frozen=True, slots=True)
class BookingOutcome:
    """The outcome of a change of a booking: the booking as it is now, None where it was refused, and the reason of a refusal."""

    booking: Booking | None
    was: BookingStatus
    seats_available: int


async def hold(
    tx: StatementRunner, *, user_id: int, booking_id: int, seats: int, cancel: bool = False
) -> BookingOutcome | None:
    """Make `seats` the total of a user's open booking, all or nothing; return None where the user has no such booking."""
    parameters = {"user_id": user_id, "booking_id": booking_id, "seats": seats, "cancel": cancel}
    found = await tx.make_rows(make_booking_outcome, CHANGE, parameters)
    if found and found[0].booking:
        tx.touch("session", found[0].booking.session_id)
    return found[0] if found else None


def make_booking_outcome(*, was: str, seats_available: int, **columns: Any) -> BookingOutcome:
    """Return a row of CHANGE; the booking's columns are all NULL where nothing was changed."""
    booking = make_booking_row(**columns) if columns["id"] is not None else None
    return BookingOutcome(booking, BookingStatus(was), int(seats_available))


def lock_sessions(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the only statement that locks the sessions of several changes of bookings."""
    return [(LOCK_ALL, {"booking_ids": [change["booking_id"] for change in changes if "booking_id" in change]})]


def find_free(changes: Sequence[Mapping[str, object]]) -> tuple[str, Mapping[str, object]]:
    """Return the statement that finds the changes of bookings whose locks nobody else holds, by their places from 1 on."""
    return FIND_FREE, {
        "booking_ids": [change.get("booking_id") for change in changes],
        "session_ids": [change.get("session_id") for change in changes],
    }


async def give_back(tx: Transaction, *, batch: int) -> int:
    """Close up to `batch` expired bookings and free their seats; return how many were closed.

    Subscribers need no notice: the seats were free from the moment at which the booking expired.
    """
    closed: int = await tx.value(GIVE_BACK, batch=batch)
    return closed
