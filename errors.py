"""Every refusal that Matinee answers: the class is the code, its docstring the message."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self


class Refusal(ValueError):
    """The request was refused.

    A leaf's docstring is the message; `{words}` in it are filled from the keywords given. `path` leads to the
    field at fault in a mutation's arguments, empty where no single field is. It is a ValueError so that a
    validator of a REST body may raise the very same class.
    """

    code: ClassVar[str]
    message: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Take code and message from the leaf itself."""
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).upper()
        cls.message = " ".join((cls.__doc__ or "").split())

    def __init__(self, *, path: Sequence[str] = (), **words: object) -> None:
        """Fill the message with `words`; the values stay readable as `words`."""
        self.path = tuple(path)
        self.words = words
        super().__init__(self.message.format(**words))


class Refusals(ExceptionGroup[Refusal]):
    """Several faults of one request, answered together."""

    def __new__(cls, faults: Sequence[Refusal]) -> Self:
        """Give the group a text, which only logs show."""
        return super().__new__(cls, "; ".join(map(str, faults)), faults)

    def __init__(self, faults: Sequence[Refusal]) -> None:
        """Accept the faults, which keep their order."""


def refuse(faults: Sequence[Refusal]) -> None:
    """Raise the one fault, or all of them together; return where there is none."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise Refusals(faults)


def flatten_refusals(raised: BaseException) -> list[Refusal]:
    """Return the refusals in what was raised, in their order; none where it is something else."""
    if isinstance(raised, Refusals):
        return [fault for each in raised.exceptions for fault in flatten_refusals(each)]
    return [raised] if isinstance(raised, Refusal) else []


def format_error_body(*faults: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return the common body of a refused request: one entry for each pair of code and message."""
    return {"errors": [{"code": code, "message": message} for code, message in faults]}


def check_all(*checks: Callable[[], Any]) -> list[Any]:
    """Return the results of all checks; raise the faults of all that refuse, together."""
    found: list[Any] = []
    faults: list[Refusal] = []
    for check in checks:
        try:
            found.append(check())
        except (Refusal, Refusals) as raised:
            faults += flatten_refusals(raised)
    refuse(faults)
    return found


# The kinds. GraphQL has a type for a kind, and REST a status. Only leaves are raised.


class Invalid(Refusal):
    """The request itself is wrong."""


class Malformed(Refusal):
    """The request cannot be read at all."""


class NotFound(Refusal):
    """What was asked for is not there."""


class Conflict(Refusal):
    """The state of things does not allow it."""


class Barred(Refusal):
    """The caller may not do this."""


class Failure(Refusal):
    """The server cannot answer now."""


# What the caller wrote


class InvalidInput(Invalid):
    """`{field}` {problem}."""


class MissingField(Invalid):
    """`{field}` is missing. Give it a value."""


class UnknownField(Invalid):
    """`{field}` is not a field of this request. Leave it out."""


class InvalidEmail(Invalid):
    """`{field}` is not an e-mail address. Write it like ada@example.org."""


class InvalidUsername(Invalid):
    """`{field}` must have 1 to 150 letters, digits or @ . + - _ and nothing else."""


class WeakPassword(Invalid):
    """`{field}` {problem}."""


class InvalidRating(Invalid):
    """`{field}` must be a number from 0 to 5."""


class InvalidSeats(Invalid):
    """`{field}` must be a whole number of seats, 0 or more and at most {limit}."""


class InvalidSort(Invalid):
    """`sort` must be one of {accepted}."""


class InvalidLimit(Invalid):
    """`{field}` {problem}."""


class InvalidCursor(Invalid):
    """`{field}` is not a cursor of this list. Take one from an answer to the same list, sort and filter."""


class InvalidId(Invalid):
    """`{field}` is not the id of {kind}. Such ids look like {example}."""


class InvalidDate(Invalid):
    """`{field}` {problem}."""


class InvalidCredentials(Invalid):
    """There is no account with this name and password."""


# What cannot be read


class MalformedJson(Malformed):
    """The body is not valid JSON: {problem}."""


class UnsupportedMediaType(Malformed):
    """The body must be sent as {accepted}."""


class NotAcceptable(Malformed):
    """None of the media types in `Accept` can be answered. Ask for {accepted}."""


class PayloadTooLarge(Malformed):
    """The body is larger than {limit} bytes."""


class MethodNotAllowed(Malformed):
    """This address does not take {method}. It takes {accepted}."""


class RouteNotFound(Malformed):
    """There is nothing at this address. See /openapi.json for what there is."""


# Clients of Apollo and urql compare the messages of these two.


class PersistedQueryNotFound(Malformed):
    """PersistedQueryNotFound"""


class PersistedQueryNotSupported(Malformed):
    """PersistedQueryNotSupported"""


# What is not there


class MovieNotFound(NotFound):
    """There is no such movie."""


class PlaceNotFound(NotFound):
    """There is no such place."""


class SessionNotFound(NotFound):
    """There is no such session."""


class BookingNotFound(NotFound):
    """You have no such booking."""


class EventNotFound(NotFound):
    """There is no such event."""


class ReservationNotFound(NotFound):
    """There is no such reservation."""


class ShowNotFound(NotFound):
    """There is no such show."""


class TicketNotFound(NotFound):
    """There is no such ticket."""


class CollectionNotFound(NotFound):
    """You have no such collection."""


class ExportNotFound(NotFound):
    """You have no such export."""


class ProviderNotFound(NotFound):
    """There is no such provider."""


class OfferNotFound(NotFound):
    """There is no such offer."""


# What the state of things does not allow


class EmailTaken(Conflict):
    """There is an account with this e-mail address already. Sign in, or use another address."""


class UsernameTaken(Conflict):
    """This username is taken. Choose another one."""


class SeatsUnavailable(Conflict):
    """There are {seats_available} more at most. Nothing was changed."""


class SessionStarted(Conflict):
    """The session has started already. Choose a later one."""


class EventOver(Conflict):
    """The event is over. Choose a later one."""


class NoSeatsReserved(Conflict):
    """The booking holds no seats. Reserve some before you confirm it."""


class SeatsChanged(Conflict):
    """The booking holds {held} seats, not {seats}. Read it again, and confirm the number that it holds."""


class BookingExpired(Conflict):
    """The booking has expired and its seats were freed. Open a new one."""


class BookingConfirmed(Conflict):
    """The booking is confirmed and cannot be changed any more."""


class BookingCancelled(Conflict):
    """The booking was cancelled and cannot be changed any more. Open a new one."""


class ReservationCancelled(Conflict):
    """The reservation was cancelled and cannot be changed any more."""


class SessionOverlaps(Conflict):
    """Another session runs in this place at that time. Choose another start."""


class StillInUse(Conflict):
    """Open or confirmed bookings hang on it. Delete it once they are gone."""


class ExportNotReady(Conflict):
    """The export is not completed yet. Ask again in a moment."""


class ExportGone(Conflict):
    """The export failed or has expired. Request a new one."""


class RequestInProgress(Conflict):
    """The first request with this idempotency key is still running. Ask again in a moment."""


class IdempotencyKeyReused(Conflict):
    """This idempotency key was used for another request. Use a new key."""


# Who may


class Unauthenticated(Barred):
    """{problem} Sign in, and send the token as `Authorization: Bearer …`."""

    def __init__(self, *, problem: str = "This is for signed-in users.") -> None:
        super().__init__(problem=problem)


class Forbidden(Barred):
    """This is for {whom} only."""

    def __init__(self, *, whom: str = "staff") -> None:
        super().__init__(whom=whom)


class RateLimited(Barred):
    """Too many requests. Try again in {seconds} seconds."""


class QueryTooCostly(Barred):
    """The document has {found} {what}, and {limit} is the most ({variable}). Ask for less, or in several requests."""


# What the server cannot do now


class UpstreamUnavailable(Failure):
    """The service behind this does not answer. Try again later."""


class Unavailable(Failure):
    """The server is overloaded, or cannot reach its database in time. Try again in a second."""


class OutcomeUnknown(Failure):
    """The connection to the database was lost, and it is not known whether this was done. Check before you repeat it."""


class Internal(Failure):
    """Something went wrong on our side. Reference: {reference}."""


def list_leaves() -> list[type[Refusal]]:
    """Return every refusal that can be raised, in the order of this file."""
    return [leaf for kind in Refusal.__subclasses__() for leaf in kind.__subclasses__()]
