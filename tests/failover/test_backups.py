"""A backup and the archived WAL bring back every acknowledged booking up to a point in time, and nothing after it."""

import sys
from pathlib import Path

import pytest

from tests.failover.backups import run_drill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.mark.timeout(600)
def test_restores_every_acknowledged_booking_up_to_point_in_time(folder: Path) -> None:
    result = run_drill(folder)

    assert result.acknowledged > 0
    assert result.faults == []
