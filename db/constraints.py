"""The refusal of each constraint of the database. Rules check first, so a constraint refuses only in a race."""

from collections.abc import Callable
from functools import partial
from typing import Final

from psycopg import errors

from errors import (
    EmailTaken,
    EventNotFound,
    MovieNotFound,
    PlaceNotFound,
    Refusal,
    SessionNotFound,
    StillInUse,
    Unauthenticated,
    UsernameTaken,
)

# The account of a valid token has been deleted.
NO_USER: Final = partial(Unauthenticated, problem="The account of this token is no longer there.")

BY_NAME: Final[dict[str, Callable[[], Refusal]]] = {
    "users_email_key": partial(EmailTaken, path=("input", "identity", "email")),
    "users_username_key": partial(UsernameTaken, path=("input", "identity", "username")),
    "ratings_user_id_fkey": NO_USER,
    "bookings_user_id_fkey": NO_USER,
    "collections_user_id_fkey": NO_USER,
    "movie_exports_user_id_fkey": NO_USER,
    "ratings_movie_id_fkey": MovieNotFound,
    "sessions_movie_id_fkey": MovieNotFound,
    "sessions_place_id_fkey": PlaceNotFound,
    "bookings_session_id_fkey": SessionNotFound,
    "event_reservations_user_id_fkey": NO_USER,
    "event_reservations_event_id_fkey": EventNotFound,
}


def find_refusal(error: errors.IntegrityError) -> Refusal | None:
    """Return the refusal of a violated constraint, None where the violation is a bug."""
    # PostgreSQL says «still referenced» when the row that others point to is the one being deleted.
    if isinstance(error, errors.ForeignKeyViolation) and "still referenced" in (error.diag.message_detail or ""):
        return StillInUse()
    known = BY_NAME.get(error.diag.constraint_name or "")
    return known() if known else None
