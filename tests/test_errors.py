import inspect
import re
from collections import Counter
from string import Formatter

import pytest

import errors
from errors import (
    EmailTaken,
    Forbidden,
    InvalidEmail,
    InvalidInput,
    MalformedJson,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    Refusal,
    Refusals,
    SeatsUnavailable,
    Unauthenticated,
    WeakPassword,
    list_leaves,
    refuse,
)

# Of the enum ErrorCode in the GraphQL contract, in its order.
CODES = [
    "INVALID_INPUT",
    "MISSING_FIELD",
    "UNKNOWN_FIELD",
    "INVALID_EMAIL",
    "INVALID_USERNAME",
    "WEAK_PASSWORD",
    "INVALID_RATING",
    "INVALID_SEATS",
    "INVALID_SORT",
    "INVALID_LIMIT",
    "INVALID_CURSOR",
    "INVALID_ID",
    "INVALID_DATE",
    "MALFORMED_JSON",
    "UNSUPPORTED_MEDIA_TYPE",
    "NOT_ACCEPTABLE",
    "PAYLOAD_TOO_LARGE",
    "METHOD_NOT_ALLOWED",
    "ROUTE_NOT_FOUND",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "REQUEST_IN_PROGRESS",
    "UNAVAILABLE",
    "EMAIL_TAKEN",
    "USERNAME_TAKEN",
    "INVALID_CREDENTIALS",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "QUERY_TOO_COSTLY",
    "MOVIE_NOT_FOUND",
    "PLACE_NOT_FOUND",
    "SESSION_NOT_FOUND",
    "BOOKING_NOT_FOUND",
    "EVENT_NOT_FOUND",
    "RESERVATION_NOT_FOUND",
    "SHOW_NOT_FOUND",
    "TICKET_NOT_FOUND",
    "COLLECTION_NOT_FOUND",
    "EXPORT_NOT_FOUND",
    "PROVIDER_NOT_FOUND",
    "OFFER_NOT_FOUND",
    "SEATS_UNAVAILABLE",
    "SESSION_STARTED",
    "EVENT_OVER",
    "NO_SEATS_RESERVED",
    "SEATS_CHANGED",
    "BOOKING_EXPIRED",
    "BOOKING_CONFIRMED",
    "BOOKING_CANCELLED",
    "RESERVATION_CANCELLED",
    "SESSION_OVERLAPS",
    "STILL_IN_USE",
    "EXPORT_NOT_READY",
    "EXPORT_GONE",
    "IDEMPOTENCY_KEY_REUSED",
    "UPSTREAM_UNAVAILABLE",
    "OUTCOME_UNKNOWN",
    "INTERNAL",
]


def placeholders(leaf: type[Refusal]) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(leaf.message) if name}


def test_codes_of_contract_and_refusals_are_the_same() -> None:
    counted = Counter(leaf.code for leaf in list_leaves())
    assert set(counted) == set(CODES)
    assert set(counted.values()) == {1}


def test_list_leaves_has_every_class_below_kinds() -> None:
    written = {each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Refusal)}
    kinds = set(Refusal.__subclasses__())
    assert written == {Refusal} | kinds | set(list_leaves())
    assert all(not leaf.__subclasses__() for leaf in list_leaves())


@pytest.mark.parametrize("leaf", list_leaves(), ids=lambda leaf: leaf.code)
def test_message_has_no_placeholder_once_words_are_given(leaf: type[Refusal]) -> None:
    message = str(leaf(**dict.fromkeys(placeholders(leaf), "Something")))
    # Clients of persisted queries compare these two messages with the names of their protocol.
    is_of_protocol = leaf in (PersistedQueryNotFound, PersistedQueryNotSupported)
    assert message == leaf.__name__ if is_of_protocol else re.fullmatch(r"[A-Z`].*[.]", message), message
    assert "{" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "leaf",
    [leaf for leaf in list_leaves() if placeholders(leaf) and leaf not in (Forbidden, Unauthenticated)],
    ids=lambda leaf: leaf.code,
)
def test_message_without_its_words_raises_key_error(leaf: type[Refusal]) -> None:
    with pytest.raises(KeyError):
        leaf()


def test_takes_code_and_words_from_the_leaf() -> None:
    refusal = SeatsUnavailable(path=["input", "seats"], seats_available=3)
    assert refusal.code == "SEATS_UNAVAILABLE"
    assert refusal.path == ("input", "seats")
    assert refusal.words == {"seats_available": 3}
    assert str(refusal) == "There are 3 more at most. Nothing was changed."


def test_unauthenticated_has_default_message() -> None:
    assert str(Unauthenticated()).startswith("This is for signed-in users. Sign in")
    assert str(Unauthenticated(problem="The token is expired.")).startswith("The token is expired. Sign in")


@pytest.mark.parametrize("text", ["{", "{0}", "{field}", "%s", "{x!r:>10}"])
def test_words_of_caller_are_not_formatted(text: str) -> None:
    assert text in str(InvalidInput(field=text, problem="is odd"))
    assert text in str(MalformedJson(problem=text))


def test_refuse_raises_single_fault_itself() -> None:
    with pytest.raises(EmailTaken):
        refuse([EmailTaken()])


def test_refuse_raises_several_faults_together_in_order() -> None:
    faults = [InvalidEmail(field="email"), WeakPassword(field="password", problem="must have 8 to 128 characters")]
    with pytest.raises(Refusals) as raised:
        refuse(faults)
    assert list(raised.value.exceptions) == faults
    assert "e-mail" in str(raised.value)


def test_refuse_returns_without_faults() -> None:
    refuse([])
