"""Bookings as a few lines of Python would keep them, with no database and nobody else about: what is right."""

from dataclasses import dataclass, replace

from db.models import BookingStatus
from errors import (
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    BookingNotFound,
    NoSeatsReserved,
    Refusal,
    SeatsUnavailable,
)

CLOSED = {
    BookingStatus.EXPIRED: BookingExpired,
    BookingStatus.CONFIRMED: BookingConfirmed,
    BookingStatus.CANCELLED: BookingCancelled,
}
# What came of a change: status and seats, or the refusal's code and what it says.
Outcome = tuple[str, object]


@dataclass(frozen=True)
class RequestTransaction:
    """A booking by the number of its user and of its session."""

    user: int
    session: int
    status: BookingStatus = BookingStatus.OPEN
    seats: int = 0


@dataclass(frozen=True)
class Change:
    """What a user wants of a booking, by its number: so many seats, or to confirm or cancel it."""

    kind: str
    booking: int
    user: int
    seats: int = 0


@dataclass(frozen=True)
class Cinema:
    """The capacities of its sessions, and every booking that was ever opened."""

    capacities: tuple[int, ...]
    bookings: tuple[RequestTransaction, ...] = ()

    def free(self, session: int) -> int:
        """Return the seats that nobody holds and nobody has bought."""
        return self.capacities[session] - sum(
            request_tx.seats for request_tx in self.bookings if request_tx.session == session
        )

    def having(self, number: int, request_tx: RequestTransaction) -> "Cinema":
        """Return the cinema with a booking changed."""
        return replace(self, bookings=(*self.bookings[:number], request_tx, *self.bookings[number + 1 :]))

    def open(self, user: int, session: int) -> "Cinema":
        """Return the cinema with one more booking."""
        return replace(self, bookings=(*self.bookings, RequestTransaction(user, session)))

    def expire(self, number: int) -> "Cinema":
        """Return the cinema after the end of a hold; where none is left, nothing ends."""
        request_tx = self.bookings[number]
        if request_tx.status is not BookingStatus.OPEN:
            return self
        return self.having(number, replace(request_tx, status=BookingStatus.EXPIRED, seats=0))

    def after(self, change: Change) -> tuple["Cinema", Outcome]:
        """Return the cinema after a change, and what came of it."""
        try:
            request_tx = self.changed(change)
        except Refusal as refusal:
            return self, told(refusal)
        return self.having(change.booking, request_tx), (request_tx.status, request_tx.seats)

    def changed(self, change: Change) -> RequestTransaction:
        """Return the booking after a change; raise what it is refused for."""
        request_tx = self.bookings[change.booking]
        if request_tx.user != change.user:
            raise BookingNotFound
        if request_tx.status in CLOSED:
            raise CLOSED[request_tx.status]
        if change.kind == "cancel":
            return replace(request_tx, status=BookingStatus.CANCELLED, seats=0)
        if change.kind == "confirm":
            if not request_tx.seats:
                raise NoSeatsReserved
            return replace(request_tx, status=BookingStatus.CONFIRMED)
        if change.seats - request_tx.seats > self.free(request_tx.session):
            raise SeatsUnavailable(seats_available=self.free(request_tx.session))
        return replace(request_tx, seats=change.seats)


def told(refusal: Refusal) -> Outcome:
    """Return a refusal as an outcome that can be compared."""
    return refusal.code, tuple(sorted(refusal.words.items()))
