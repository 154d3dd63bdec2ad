"""Several users open, reserve, confirm, cancel and let expire, one after another and at once: all as the model has it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, note
from hypothesis import settings as bounded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app import open_database
from config.settings import Settings
from db.commit_batching import CommitBatcher
from db.engine import Database, StatementRunner
from db.models import Booking, Session, User
from domain import booking, stock
from errors import Refusal
from tests.support.factories import make_session, make_user
from tests.support.model import Change, Cinema, Outcome, told
from tests.support.seats import FREE, SEEN, give_back, lapse, open_by, unbalanced

USERS: Final = 3
CAPACITIES: Final = (4, 7)
NUMBERS: Final = st.integers(0, 1000)
KINDS: Final = st.sampled_from(["reserve", "reserve", "reserve", "confirm", "cancel"])
WANTED: Final = st.tuples(KINDS, NUMBERS, st.integers(0, 9), st.sampled_from([False] * 9 + [True]))
Wanted = tuple[str, int, int, bool]


class Bookings(RuleBasedStateMachine):
    """Does the same to the database and to the model, and compares."""

    def __init__(self, runner: asyncio.Runner, database: Database, emptied: Callable[[], None]) -> None:
        super().__init__()
        self.run = runner.run
        self.database = database
        self.shared = CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions)
        self.emptied = emptied
        self.cinema = Cinema(CAPACITIES)
        self.users: list[User] = []
        self.sessions: list[Session] = []
        self.bookings: list[Booking] = []

    @initialize()
    def begin(self) -> None:
        """Begin with an empty cinema."""
        self.emptied()
        self.users = [self.run(make_user(self.database)) for _ in range(USERS)]
        self.sessions = [self.run(make_session(self.database, capacity=capacity)) for capacity in CAPACITIES]
        for user in range(USERS):
            self.open(user, user)

    @rule(user=NUMBERS, session=NUMBERS)
    def open(self, user: int, session: int) -> None:
        """Somebody opens a booking."""
        user, session = user % USERS, session % len(CAPACITIES)
        self.bookings.append(self.run(open_by(self.database, self.users[user], self.sessions[session])))
        self.cinema = self.cinema.open(user, session)

    @rule(wanted=WANTED, together=st.booleans())
    def change(self, wanted: Wanted, *, together: bool) -> None:
        """Somebody wants something of a booking, now and then of another's."""
        self.changes([wanted], together=together)

    @rule(several=st.lists(WANTED, min_size=2, max_size=4), together=st.booleans())
    def change_at_once(self, several: list[Wanted], *, together: bool) -> None:
        """Several want something at once: it must be as if one had come after another, in whatever order."""
        self.changes(several, together=together)

    @rule(number=NUMBERS)
    def expire(self, number: int) -> None:
        """A hold ends."""
        number %= len(self.bookings)
        self.run(lapse(self.database, self.bookings[number]))
        self.cinema = self.cinema.expire(number)

    @rule(batch=st.integers(1, 3))
    def job(self, batch: int) -> None:
        """The job runs, which nobody may notice."""
        self.run(give_back(self.database, batch=batch))

    @precondition(lambda self: len(self.bookings) > 3)
    @rule(wanted=WANTED, batch=st.integers(1, 3))
    def change_while_the_job_runs(self, wanted: Wanted, batch: int) -> None:
        """Nor may anybody who changes something at the same time."""
        self.changes([wanted], together=False, beside=[give_back(self.database, batch=batch)])

    def changes(
        self, several: Sequence[Wanted], *, together: bool, beside: Sequence[Coroutine[Any, Any, object]] = ()
    ) -> None:
        """Make changes at once, and find the order in which the model makes them with the same outcomes."""
        asked = [self.meant(wanted) for wanted in several]
        outcomes = self.run(self.made(asked, together=together, beside=beside))
        note(f"{asked} -> {outcomes}")
        for order in permutations(range(len(asked))):
            cinema, expected = self.cinema, dict.fromkeys(order, ("", None))
            for place in order:
                cinema, expected[place] = cinema.after(asked[place])  # type: ignore[assignment]
            # Of two that set the same booking's seats, both succeed in either order; the last one is what stays.
            if [expected[place] for place in range(len(asked))] == outcomes and self.seen() == shown(cinema):
                self.cinema = cinema
                return
        raise AssertionError(f"in no order: {asked} -> {outcomes}")

    def meant(self, wanted: Wanted) -> Change:
        """Return what is wanted as a change of a booking that there is."""
        kind, number, seats, is_strangers = wanted
        number %= len(self.bookings)
        user = (self.cinema.bookings[number].user + is_strangers) % USERS
        return Change(kind, number, user, seats)

    async def made(
        self, asked: Sequence[Change], *, together: bool, beside: Sequence[Coroutine[Any, Any, object]]
    ) -> list[Outcome]:
        """Return what came of changes that were all begun before any had ended."""
        besides = [asyncio.ensure_future(each) for each in beside]
        outcomes = await asyncio.gather(*(self.outcome(change, together=together) for change in asked))
        await asyncio.gather(*besides)
        return outcomes

    async def outcome(self, change: Change, *, together: bool) -> Outcome:
        """Return what came of a change, in a transaction of its own or in one that is shared."""
        try:
            if together:
                held = await self.make(self.shared, change)
            else:
                async with self.database.transaction() as tx:
                    held = await self.make(tx, change)
        except Refusal as refusal:
            return told(refusal)
        return held.status, held.reserved_seats

    async def make(self, tx: StatementRunner, change: Change) -> Booking:
        """Return the booking as it was changed."""
        ids = {"user_id": self.users[change.user].id, "booking_id": self.bookings[change.booking].id}
        if change.kind == "reserve":
            return await booking.reserve(tx, **ids, seats=change.seats)
        return await (booking.confirm(tx, **ids) if change.kind == "confirm" else booking.cancel(tx, **ids))

    def seen(self) -> list[tuple[str, int]]:
        """Return status and seats of every booking as the doors show it."""
        ids = [held.id for held in self.bookings]
        rows = {row.id: row for row in self.run(self.database.primary.rows(Booking, SEEN, ids=ids))}
        return [(rows[identity].status, rows[identity].reserved_seats) for identity in ids]

    @invariant()
    def agrees(self) -> None:
        """All that can be seen is as the model has it, and the books balance."""
        assert self.seen() == shown(self.cinema)
        for number, session in enumerate(self.sessions):
            free = self.run(self.database.primary.value(FREE, id=session.id))
            assert free == self.cinema.free(number) >= 0
        assert self.run(unbalanced(self.database)) == []


def shown(cinema: Cinema) -> list[tuple[str, int]]:
    """Return status and seats of every booking as the model has it."""
    return [(held.status, held.seats) for held in cinema.bookings]


@pytest.fixture
def limits() -> bounded:
    """Enough to meet every pair of changes, and done in ten seconds."""
    # A try that fails waits for locks and statements to time out. To shrink it would wait hundreds of times.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return bounded(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )


@pytest.fixture
def compare(settings: Settings, emptied: Callable[[], None], limits: bounded) -> Iterator[Callable[[], None]]:
    """What compares database and model, on one loop and one pool for all of its tries."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database = runner.run(stack.enter_async_context(open_database(settings)))
        # It takes whatever makes a machine, though its types say that it takes a class.
        machine: Any = partial(Bookings, runner, database, emptied)
        yield partial(run_state_machine_as_test, machine, settings=limits)
        runner.run(stack.aclose())


def test_database_behaves_like_model(compare: Callable[[], None]) -> None:
    compare()


def test_comparison_with_model_finds_difference(compare: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    # A model without expiry must be found out within as many tries.
    monkeypatch.setattr(Cinema, "expire", lambda self, _: self)
    with pytest.raises(AssertionError):
        compare()
