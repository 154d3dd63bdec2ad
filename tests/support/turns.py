"""Several processes run the tests side by side; those with a bound in seconds or bytes of their own wait to be alone."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


@contextmanager
def in_turn(test: pytest.Item) -> Iterator[None]:
    """Hold the test back until no test marked `alone` runs beside it; one that is marked waits until none runs at all."""
    run = getattr(test.config, "workerinput", {}).get("testrunuid")
    if run is None:
        yield
        return
    room = Path(tempfile.gettempdir()) / f"matinee-tests-{run}"
    kind = fcntl.LOCK_EX if test.get_closest_marker("alone") else fcntl.LOCK_SH
    with ExitStack() as inside:
        # Whoever waits to be alone keeps the door shut meanwhile: with others coming and going he would wait for ever.
        with _locked(room.with_suffix(".door"), fcntl.LOCK_EX):
            inside.enter_context(_locked(room, kind))
        yield


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, kind)
        try:
            yield
        finally:
            # Closing is not enough: a process that was forked meanwhile has the file too.
            fcntl.flock(file, fcntl.LOCK_UN)
