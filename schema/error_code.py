"""The codes of refusals as an enum, described by their messages."""

from enum import Enum
from typing import Any, Final

import strawberry

import errors

# Descriptions of codes whose message has placeholders; other codes have their message.
IN_GENERAL: Final = {
    "INVALID_INPUT": "A value is of the wrong type or out of bounds, and no narrower code fits; or the document is wrong.",
    "MISSING_FIELD": "A field that must be there is not.",
    "UNKNOWN_FIELD": "A field is not one of this request.",
    "INVALID_EMAIL": "The address is not spelled like one: ada@example.org.",
    "INVALID_USERNAME": "A username has 1 to 150 letters, digits or @ . + - _ and nothing else.",
    "WEAK_PASSWORD": "A password has 8 to 128 characters.",
    "INVALID_RATING": "A rating is a number from 0 to 5.",
    "INVALID_SEATS": "Seats are a whole number, 0 or more.",
    "INVALID_SORT": "The list has no such order.",
    "INVALID_LIMIT": "A page has 1 to 100 rows, from one end of the list.",
    "INVALID_CURSOR": "The cursor is not of this list, sort and filter.",
    "INVALID_ID": "The id is malformed, or of another kind of thing.",
    "INVALID_DATE": "The instant cannot be used here: unreadable, without an offset, out of order, or past.",
    "MALFORMED_JSON": "The body is not JSON.",
    "UNSUPPORTED_MEDIA_TYPE": "The body is not of a media type that this address reads.",
    "NOT_ACCEPTABLE": "None of the media types in `Accept` can be answered.",
    "PAYLOAD_TOO_LARGE": "The body is over the limit.",
    "METHOD_NOT_ALLOWED": "The address does not take this method; `Allow` lists those that it takes.",
    "SEATS_CHANGED": "The booking does not hold the number of seats that was to be confirmed. It stays open.",
    "SEATS_UNAVAILABLE": "Session, event or show has not as much left. Nothing was changed.",
    "PERSISTED_QUERY_NOT_FOUND": "The hash of the persisted query is unknown here. Send the query along with it once.",
    "PERSISTED_QUERY_NOT_SUPPORTED": "This server remembers no persisted queries. Send the query without its hash.",
    "UNAUTHENTICATED": "This is for signed-in users, or the token is not good.",
    "FORBIDDEN": "This is for staff only, or the document is not a registered one where only those run.",
    "RATE_LIMITED": "Too many requests; try again later.",
    "QUERY_TOO_COSTLY": "The query asks for too much at once; ask for fewer rows or fields.",
    "INTERNAL": "Something went wrong on our side; the message has a reference to our log.",
}


def describe_codes() -> dict[str, object]:
    """Return every code with its description, in the order of errors.py."""
    return {
        leaf.code: strawberry.enum_value(leaf.code, description=IN_GENERAL.get(leaf.code, leaf.message))
        for leaf in errors.list_leaves()
    }


ErrorCode: Any = strawberry.enum(  # type: ignore[call-overload]  # its members are the refusals
    Enum("ErrorCode", describe_codes()),
    description="Every code that this API answers with, in GraphQL and in REST (there in lower case).",
)
