"""Statements that read rows by id, with the columns and the conditions that all statements share."""

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, case, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import SQLModel

from db.models import (
    SHOW_LIFE,
    Booking,
    CollectedMovie,
    Event,
    MovieExport,
    Rating,
    SeatReservation,
    Show,
    Ticket,
    User,
    find_table,
)
from db.paging import compile_sql

# Literals in the statement's text, because a list's parameters are its arguments.
OPEN: Final[ColumnElement[str]] = literal_column("'open'")
COMPLETED: Final[ColumnElement[str]] = literal_column("'completed'")
EXPIRED: Final[ColumnElement[str]] = literal_column("'expired'")


def list_columns(model: type[SQLModel]) -> list[ColumnElement[Any]]:
    """Return the columns that a row of the model is read from: all but the internal ones.

    A booking and an export have their status by the database's clock, whether or not a job has closed them.
    """
    own = find_table(model)
    seen: dict[str, ColumnElement[Any]] = {c.name: c for c in own.columns if not c.info.get("internal")}
    if model is MovieExport:
        over = and_(own.c.status == COMPLETED, own.c.expires_at <= func.clock_timestamp())
        seen["status"] = case((over, EXPIRED), else_=own.c.status).label("status")
    if model is Booking:
        lapsed = and_(own.c.status == OPEN, own.c.closes_at <= func.clock_timestamp())
        seen["status"] = case((lapsed, EXPIRED), else_=own.c.status).label("status")
        seen["reserved_seats"] = case((lapsed, literal_column("0")), else_=own.c.reserved_seats).label("reserved_seats")
    return list(seen.values())


def filter_live(model: type[SQLModel]) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row exists for callers: an event is not deleted, a show has not expired."""
    unexpired = find_table(Show).c.show_timing > func.clock_timestamp() - literal_column(SHOW_LIFE)
    conditions: dict[type[SQLModel], ColumnElement[bool]] = {
        Event: find_table(Event).c.deleted_at.is_(None),
        Show: unexpired,
        Ticket: exists().where(find_table(Show).c.id == find_table(Ticket).c.show_id, unexpired),
    }
    return [conditions[model]] if model in conditions else []


def select_by_ids(model: type[SQLModel], *, hidden_too: bool = False) -> Select[Any]:
    """Return the statement that reads rows by their ids, without hidden rows unless `hidden_too`."""
    return select_row(model, func.any_(bindparam("ids", type_=ARRAY(BigInteger))), hidden_too=hidden_too)


def select_row(model: type[SQLModel], identity: Any, *, hidden_too: bool = False) -> Select[Any]:
    """Return the statement that reads the rows whose id equals `identity`: an expression, or ANY of an array."""
    return select(*list_columns(model)).where(
        find_table(model).c.id == identity, *([] if hidden_too else filter_live(model))
    )


def select_rating(viewer: ColumnElement[int], movie: Any) -> Select[Any]:
    """Return the statement that reads one user's rating of a movie, or of ANY of several."""
    own = find_table(Rating).c
    return select(*list_columns(Rating)).where(own.user_id == viewer, own.movie_id == movie)


def select_latest_changes(booking_id: Any) -> Select[Any]:
    """Return the statement of the latest 100 changes of a booking's seats, latest first."""
    own = find_table(SeatReservation).c
    changes = select(*list_columns(SeatReservation)).where(own.booking_id == booking_id)
    return changes.order_by(own.id.desc()).limit(literal_column("100"))


def select_collected_movies(collection_id: Any) -> Select[Any]:
    """Return the statement of the movies of a collection, or of ANY of several, in their order."""
    own = find_table(CollectedMovie).c
    movies = select(*list_columns(CollectedMovie)).where(own.collection_id == collection_id)
    return movies.order_by(own.collection_id, own.position)


def make_staff_condition(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the SQL condition that a user is staff."""
    return exists().where(find_table(User).c.id == user_id, find_table(User).c.is_staff)


def write_seats_available(*, of: str) -> str:
    """Return the SQL of the seats that could be reserved now, of the row of `sessions` with this name.

    Seats of expired bookings are free, whether or not a job has closed those.
    """
    return f"""{of}.capacity - {of}.taken + (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = {of}.id AND status = 'open' AND closes_at <= clock_timestamp()
    )"""  # noqa: S608 - a name of ours


# Collections are answered with all of their movies.
MOVIES_BY_COLLECTION: Final = compile_sql(select_collected_movies(func.any_(bindparam("ids", type_=ARRAY(BigInteger)))))
