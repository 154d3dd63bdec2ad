"""The only writer of what sessions, events and shows have sold: under the selling row's lock, never more than it has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

from psycopg.rows import kwargs_row

from db.engine import Reading, Row, Transaction, row_maker
from db.models import Booking, BookingStatus

# A wire integer has 32 bits in GraphQL; more seats than that cannot even be asked for.
MOST_SEATS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Wares:
    """A table whose rows sell, the table of what was sold of them, and its columns of which row and how many.

    `sold_until` is the column of the instant at which a row sells no more, where it has one.
    """

    table: str
    sold: str
    key: str
    number: str
    sold_until: str | None = None


EVENT_TICKETS: Final = Wares("events", "event_reservations", "event_id", "tickets", sold_until="date")
COUNTER_TICKETS: Final = Wares("shows", "tickets", "show_id", "ticket_count")


def write_lock(table: str, which: str, *, sold_until: str | None = None) -> str:
    """Return the SQL that locks selling rows and reads what they have sold; in a statement it is named `selling`."""
    columns = ", ".join(filter(None, ("id", "capacity", "taken", sold_until)))
    return f"SELECT {columns} FROM {table} WHERE {which} FOR NO KEY UPDATE"


def write_closing(wares: Wares) -> str:
    """Return the SQL that says whether the locked row sells no more; in a statement it is named `closing`.

    The clock is asked once, behind the lock: whoever has waited for it finds a row that was closed meanwhile.
    """
    is_over = f"{wares.sold_until} <= clock_timestamp()" if wares.sold_until else "false"
    return f"SELECT {is_over} AS is_over FROM selling"


def write_count(table: str, *, more: str, beside: str = "", when: str = "true") -> str:
    """Return the SQL that counts `more` as sold where there is as much and `when` holds: the one writer of `taken`.

    `beside` names what the two are worked out from. The condition asks for what was `taken` in the row that is locked:
    the table's own would first be the one from before a wait, and what was freed meanwhile would not be found.
    It returns the row's id and the `moment` at which that was done.
    """
    return f"""
        UPDATE {table} SET taken = selling.taken + ({more})
        FROM {", ".join(filter(None, ("selling", beside)))}
        WHERE {table}.id = selling.id AND {when} AND selling.taken + ({more}) <= {table}.capacity
        RETURNING {table}.id, clock_timestamp() AS moment
    """


def write_sale(wares: Wares, *, which: str, columns: Sequence[str], moments: Sequence[str] = ()) -> str:
    """Return the statement that sells %(number)s of the selling row that is named, if it has as many.

    `columns` of what was sold are filled from parameters of their names, `moments` with the one of the sale.
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
    """Return the statement that changes what was sold, %(id)s, where `which` says that it is there at all.

    The selling row is locked first, then what was sold of it, here named `held`; `more` is counted as sold, and `change`
    does the rest from `held` and `counted` and returns the row. Refused, the row comes back as it is. A row that sells
    no more takes back, and gives nothing.
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
class Outcome(Generic[Row]):
    """What came of a sale or change: the row, None where nothing could be sold, what was left, and whether it is over."""

    row: Row | None
    is_changed: bool
    available: int
    is_over: bool


def outcome_maker(model: type[Row]) -> Callable[..., Outcome[Row]]:
    """Return what makes an outcome out of a row of `write_sale` or `write_change`."""
    make = row_maker(model)

    def made(*, available: int, is_over: bool, is_changed: bool, **columns: Any) -> Outcome[Row]:
        return Outcome(make(**columns) if columns["id"] is not None else None, is_changed, available, is_over)

    return made


# Seats, whose holds expire by themselves. As in every statement here each outcome is one round trip, refusals included:
# a crowd in front of a sold-out session holds its lock no longer. The clock is asked once session and booking are
# locked, not at the transaction's start. A row that is locked is read in its newest version, so the difference to what
# the booking holds is never worked out from stale seats. Expired holds of others are given back where the take needs
# them; the caller's own booking is never among them. The one conditional UPDATE is what makes overselling impossible;
# the CHECK of the table stands behind it.
OWN_SESSION: Final = "id = (SELECT session_id FROM bookings WHERE id = %(booking_id)s AND user_id = %(user_id)s)"
MORE_SEATS: Final = "%(seats)s::bigint - live.reserved_seats - freed.seats"
COUNT_SEATS: Final = write_count("sessions", more=MORE_SEATS, beside="live, freed", when="live.is_live")
CHANGE: Final = f"""
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
    ), taken AS (
        {COUNT_SEATS}
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0
        FROM lapsed, taken WHERE bookings.id = lapsed.id
    ), changed AS (
        UPDATE bookings SET
            reserved_seats = %(seats)s::bigint,
            status = CASE WHEN %(cancel)s THEN 'cancelled' ELSE 'open' END,
            cancelled_at = CASE WHEN %(cancel)s THEN live.moment END
        FROM live, taken WHERE bookings.id = live.id
        RETURNING bookings.*
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT live.id, %(seats)s::bigint, live.moment FROM live, taken WHERE live.reserved_seats <> %(seats)s::bigint
        UNION ALL
        SELECT lapsed.id, 0, live.moment FROM live, taken, lapsed WHERE lapsed.reserved_seats > 0
    )
    SELECT
        CASE WHEN live.status = 'open' AND NOT live.is_live THEN 'expired' ELSE live.status END AS was,
        selling.capacity - selling.taken + freed.seats AS seats_available,
        changed.*
    FROM selling CROSS JOIN live CROSS JOIN freed LEFT JOIN changed ON true
"""

# Before several changes in one transaction: every session that they touch, in id order, so that two such transactions
# never wait for each other in a ring.
LOCK_ALL: Final = """
    SELECT FROM sessions WHERE id IN (SELECT session_id FROM bookings WHERE id = ANY (%(booking_ids)s))
    ORDER BY id FOR NO KEY UPDATE
"""

# Sessions in id order, and none that somebody else is busy with: the next run comes soon enough.
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
class Attempt:
    """What came of a change: the booking as it is now, None where it was refused, and what it was refused for."""

    booking: Booking | None
    was: BookingStatus
    seats_available: int


async def hold(tx: Reading, *, user_id: int, booking_id: int, seats: int, cancel: bool = False) -> Attempt | None:
    """Make `seats` the total of a user's open booking, all or nothing; None where the user has no such booking."""
    parameters = {"user_id": user_id, "booking_id": booking_id, "seats": seats, "cancel": cancel}
    found = await tx.fetch(kwargs_row(make_attempt), CHANGE, parameters)
    if found and found[0].booking:
        tx.touch("session", found[0].booking.session_id)
    return found[0] if found else None


def make_attempt(*, was: str, seats_available: int, **columns: Any) -> Attempt:
    """Return a row of CHANGE; the booking's columns are all NULL where nothing was changed."""
    booking = Booking.model_construct(**columns) if columns["id"] is not None else None
    return Attempt(booking, BookingStatus(was), int(seats_available))


def lock_sessions(changes: Sequence[Mapping[str, object]]) -> tuple[str, Mapping[str, object]]:
    """Return the statement that locks what several changes of bookings will change."""
    return LOCK_ALL, {"booking_ids": [change["booking_id"] for change in changes if "booking_id" in change]}


async def give_back(tx: Transaction, *, batch: int) -> int:
    """Close up to `batch` bookings whose hold is over and free their seats; return how many it was.

    Nobody needs to be told: the seats were free from the moment at which the hold was over.
    """
    closed: int = await tx.value(GIVE_BACK, batch=batch)
    return closed
