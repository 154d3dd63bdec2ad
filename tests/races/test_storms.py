"""Storms of changes of one event's reservations: whatever comes of each, its books balance after every storm."""

import asyncio
from collections.abc import Awaitable
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from db import cursors, engine, opening
from db.commit_batching import CommitBatcher
from db.engine import Database
from db.models import Event, EventReservation
from domain import event_reservation
from domain.event_reservation import Viewer
from errors import ReservationCancelled, SeatsUnavailable
from tests.support.ticketing import make_event, make_event_reservation

ANYBODY: Final = Viewer(None, in_the_open=True)
CAPACITY: Final = 24
BOOKS: Final = """
    SELECT taken, availability, (
        SELECT coalesce(sum(tickets), 0) FROM event_reservations WHERE event_id = events.id AND NOT cancelled
    ) FROM events WHERE id = %(id)s
"""
# Which reservation, and what becomes of it: so many tickets, or none for good. The last kind is a new reservation.
CHANGES: Final = st.tuples(st.integers(0, 3), st.integers(0, 14)) | st.integers(1, 6)
STORMS: Final = st.lists(CHANGES, min_size=2, max_size=10)
CALM: Final = settings(
    max_examples=30,
    stateful_step_count=6,
    deadline=None,
    # A storm that fails waits for locks and statements to time out. To shrink it would wait hundreds of times.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Storms(RuleBasedStateMachine):
    """An event, four reservations of it at first, and a database that is really there."""

    url: ClassVar[str]
    # Without locks a change may well fail of the table's own constraint; the books are what this is about.
    outcomes_matter: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.connecting = opening.connect_database(
            self.url,
            read_conninfo=None,
            cursors=cursors.make_codec((b"storms" * 6,)),
            size=6,
            statement_seconds=5,
            lock_seconds=2,
        )
        self.database: Database = self.runner.run(self.connecting.__aenter__())
        self.event: Event = self.runner.run(make_event(self.database, capacity=CAPACITY))
        self.rows: list[EventReservation] = [
            self.runner.run(make_event_reservation(self.database, event=self.event, tickets=tickets))
            for tickets in (1, 2, 3, 4)
        ]

    def teardown(self) -> None:
        self.runner.run(self.connecting.__aexit__(None, None, None))
        self.runner.close()

    @rule(storm=STORMS, sharing=st.booleans())
    def a_storm(self, storm: list[Any], *, sharing: bool) -> None:
        """Make all the changes at once, by a connection each or sharing commits, as the doors do."""

        async def all_at_once() -> list[EventReservation | BaseException]:
            database = self.database
            way = (
                CommitBatcher(database.primary.pool, lock_all=event_reservation.lock_events)
                if sharing
                else database.primary
            )
            return await asyncio.gather(*(self.change(way, each) for each in storm), return_exceptions=True)

        for outcome in self.runner.run(all_at_once()):
            if self.outcomes_matter:
                assert isinstance(outcome, EventReservation | SeatsUnavailable | ReservationCancelled), outcome
            if isinstance(outcome, EventReservation) and outcome.id not in {row.id for row in self.rows}:
                self.rows.append(outcome)

    def change(self, way: engine.StatementRunner, asked: tuple[int, int] | int) -> Awaitable[EventReservation]:
        if isinstance(asked, int):
            return event_reservation.reserve_tickets(way, user_id=None, event_id=self.event.id, tickets=asked)
        which, tickets = self.rows[asked[0]].id, asked[1]
        if tickets == 0:
            return event_reservation.cancel_reservation(way, viewer=ANYBODY, reservation_id=which)
        return event_reservation.change_tickets(way, viewer=ANYBODY, reservation_id=which, tickets=tickets)

    @invariant()
    def the_books_balance(self) -> None:
        """What is left is what there was without what is held."""
        ((taken, left, held),) = self.runner.run(self.database.primary.tuples(BOOKS, id=self.event.id))
        assert 0 <= taken <= CAPACITY
        assert (taken, left) == (held, CAPACITY - held)


@pytest.fixture(autouse=True)
def _on_this_database(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Storms, "url", empty_database_url, raising=False)


def test_counts_balance_after_concurrent_random_operations() -> None:
    run_state_machine_as_test(Storms, settings=CALM)


def test_counts_do_not_balance_without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Storms, "outcomes_matter", False)
    for name in ("CHANGE", "RESERVE", "LOCK_ALL"):
        statement = getattr(event_reservation, name)
        unlocked = statement.replace("FOR NO KEY UPDATE OF event_reservations", "").replace("FOR NO KEY UPDATE", "")
        assert unlocked != statement
        monkeypatch.setattr(event_reservation, name, unlocked)
    many = settings(CALM, max_examples=200, phases=[Phase.generate], print_blob=False, database=None)
    with pytest.raises((AssertionError, Flaky, FlakyFailure)):
        run_state_machine_as_test(Storms, settings=many)
