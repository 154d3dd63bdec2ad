"""Caches may keep an answer only where every field declares it, and no field that does changes by the second."""

from graphql_server.cache_policy import CATALOGUE, SHARED, is_catalogue
from runtime.metrics import Coordinate

NEVER = ("Available", "availability", "viewer", "booking", "reservation", "price", "errors")


def test_fields_declare_whether_caches_keep_them_beside_the_field() -> None:
    assert {("Movie", "title"), ("AiringDates", "from"), ("MovieConnection", "totalCount"), ("Node", "id")} <= CATALOGUE
    assert {
        ("Event", "availability"),
        ("Session", "seatsAvailable"),
        ("Subscription", "eventChanged"),
    } <= SHARED - CATALOGUE
    assert not {("User", "email"), ("Query", "viewer"), ("Movie", "viewerRating"), ("Query", "events")} & SHARED


def test_no_field_of_the_catalogue_counts_what_is_left_or_belongs_to_somebody() -> None:
    assert not [field for _, field in CATALOGUE if any(word in field for word in NEVER)]


def test_one_other_field_is_enough() -> None:
    title = Coordinate("Movie", "title", deprecated=False)
    assert is_catalogue({title})
    assert not is_catalogue({title, Coordinate("Session", "seatsAvailable", deprecated=False)})
    assert not is_catalogue({title, Coordinate("User", "email", deprecated=False)})
