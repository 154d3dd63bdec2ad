"""Caches may keep an answer only where every field declares it, and no field that does changes by the second."""

from graphql_server.cache_policy import PUBLIC_FIELDS, SHARED_FIELDS, is_public
from runtime.metrics import Coordinate

NEVER = ("Available", "availability", "viewer", "booking", "reservation", "price", "errors")


def test_fields_declare_whether_caches_keep_them_beside_the_field() -> None:
    assert {
        ("Movie", "title"),
        ("AiringDates", "from"),
        ("MovieConnection", "totalCount"),
        ("Node", "id"),
    } <= PUBLIC_FIELDS
    assert {
        ("Event", "availability"),
        ("Session", "seatsAvailable"),
        ("Subscription", "eventChanged"),
    } <= SHARED_FIELDS - PUBLIC_FIELDS
    assert not {("User", "email"), ("Query", "viewer"), ("Movie", "viewerRating"), ("Query", "events")} & SHARED_FIELDS


def test_no_public_field_counts_what_is_left_or_belongs_to_somebody() -> None:
    assert not [field for _, field in PUBLIC_FIELDS if any(word in field for word in NEVER)]


def test_one_other_field_is_enough() -> None:
    title = Coordinate("Movie", "title", deprecated=False)
    assert is_public({title})
    assert not is_public({title, Coordinate("Session", "seatsAvailable", deprecated=False)})
    assert not is_public({title, Coordinate("User", "email", deprecated=False)})
