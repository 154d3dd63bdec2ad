"""Tests run side by side, but for those that are to be alone, which nobody keeps waiting for ever."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.turns import in_turn

SOON_SECONDS = 5.0
NOT_YET_SECONDS = 0.1


@dataclass
class Standing:
    """A test of one run, as far as it matters whose turn it is."""

    run: str
    alone: bool = False
    config: Any = field(init=False)
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.config = type("Config", (), {"workerinput": {"testrunuid": self.run}})

    def get_closest_marker(self, name: str) -> object:
        """Return the mark, where it has it."""
        return name if self.alone and name == "alone" else None

    def go(self) -> None:
        """Run, once it is its turn."""
        with in_turn(cast("pytest.Item", self)):
            self.begun.set()
            assert self.may_end.wait(SOON_SECONDS)


@pytest.fixture
def arriving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Standing]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def arrive(*, alone: bool = False) -> Standing:
        test = Standing("one run", alone=alone)
        threading.Thread(target=test.go, daemon=True).start()
        return test

    return arrive


def test_two_tests_run_concurrently(arriving: Callable[..., Standing]) -> None:
    one, other = arriving(), arriving()
    assert one.begun.wait(SOON_SECONDS)
    assert other.begun.wait(SOON_SECONDS)
    one.may_end.set()
    other.may_end.set()


def test_alone_test_runs_alone(arriving: Callable[..., Standing]) -> None:
    first = arriving()
    assert first.begun.wait(SOON_SECONDS)
    alone = arriving(alone=True)
    assert not alone.begun.wait(NOT_YET_SECONDS)
    # Who comes later does not go before it, though the room is one that could be shared.
    later = arriving()
    assert not later.begun.wait(NOT_YET_SECONDS)

    first.may_end.set()
    assert alone.begun.wait(SOON_SECONDS)
    assert not later.begun.wait(NOT_YET_SECONDS)
    alone.may_end.set()
    assert later.begun.wait(SOON_SECONDS)
    later.may_end.set()
