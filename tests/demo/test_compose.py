from collections import defaultdict
from datetime import UTC, datetime
from statistics import mean

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from demo.audience import UNUSABLE_HASH, make_emails
from demo.compose import Demo, compose

NOW = datetime(2026, 1, 14, 18, 40, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> Demo:
    return compose(1, now=NOW)


def test_demo_is_equal_for_equal_instants(demo: Demo) -> None:
    assert compose(1, now=NOW) == demo


def test_demo_has_running_sessions(demo: Demo) -> None:
    assert any(
        showing.starts_at <= NOW and (NOW - showing.starts_at).seconds < 60 * demo.films[showing.film].minutes
        for showing in demo.showings
    )


def test_ratings_are_near_the_level_of_their_film(demo: Demo) -> None:
    values = defaultdict(list)
    for given in demo.opinions:
        assert 0 <= given.value <= 5
        assert given.value * 2 == int(given.value * 2)
        assert demo.joined_at < given.given_at <= NOW
        values[given.film].append(given.value)
    assert len(values) == len(demo.films) - 12
    for film, given_values in values.items():
        if len(given_values) >= 30:
            assert mean(given_values) == pytest.approx(demo.films[film].level, abs=0.5)


def test_no_spectator_rates_film_twice(demo: Demo) -> None:
    pairs = [(given.spectator, given.film) for given in demo.opinions]
    assert len(set(pairs)) == len(pairs)


def test_some_sessions_are_sold_out_and_some_nearly(demo: Demo) -> None:
    left = [
        demo.cinemas[showing.room].capacity - sum(sale.seats for sale in sales)
        for showing, sales in zip(demo.showings, demo.sales, strict=True)
        if showing.starts_at > NOW
    ]
    assert min(left) == 0
    assert 10 <= left.count(0) <= 60
    assert sum(1 <= free <= 4 for free in left) >= 10


def test_bookings_were_confirmed_in_time_and_before_their_session(demo: Demo) -> None:
    for showing, sales in zip(demo.showings, demo.sales, strict=True):
        for sale in sales:
            assert sale.seats >= 1
            assert demo.joined_at < sale.opened_at < sale.reserved_at < sale.confirmed_at
            assert (sale.confirmed_at - sale.opened_at).seconds < 60
            assert sale.confirmed_at < min(NOW, showing.starts_at)


def test_spectators_have_undeliverable_addresses() -> None:
    found = list(make_emails(4000))
    assert len(set(found)) == 4000
    assert all(email.endswith(".invalid") for email in found)


@pytest.mark.parametrize("password", ["", "!", "password", "A" * 43])
def test_no_password_signs_spectator_in(password: str) -> None:
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(UNUSABLE_HASH, password)
