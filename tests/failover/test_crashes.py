"""Nothing acknowledged is lost when a worker, the server or the database is killed or frozen; and a check that can fail."""

import sys
from pathlib import Path

import pytest

from tests.failover.audit import audit, find_missing
from tests.failover.buyers import buying
from tests.failover.crashes import CRASHES, cut_power, lose_confirmations, stage, wait_for_load
from tests.failover.journal import Journal

# On a busy machine a purchase takes longer than the suite's short holds.
PATIENT = {"MATINEE_HOLD_SECONDS": "60"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def test_audit_does_not_miss_what_is_acknowledged_while_it_reads_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.acknowledge(1, seats=2)

    def read(*_: object) -> list[tuple[int, int]]:
        journal.acknowledge(2, seats=1)
        return [(1, 2)]

    monkeypatch.setattr("tests.failover.audit.query", read)
    assert find_missing("", journal, []) == []


@pytest.mark.timeout(600)
def test_keeps_acknowledged_confirmations_over_crashes(folder: Path) -> None:
    with stage(folder, more=PATIENT) as made:
        with buying(made.server.address, made.sessions, folder, count=4) as buyers:
            for name in ("kill-worker", "kill-server", "freeze-database", "stop-database"):
                wait_for_load(buyers)
                CRASHES[name](made)
                wait_for_load(buyers)
                assert find_missing(made.database.url, buyers.journal, made.sessions) == [], name
        assert audit(made.database.url, buyers.journal, made.sessions).faults == []


@pytest.mark.timeout(600)
def test_commits_wait_for_disk_whatever_database_sets(
    folder: Path,
) -> None:
    with stage(folder, more=PATIENT) as made:
        made.database.execute("ALTER SYSTEM SET synchronous_commit = off")
        made.database.execute("SELECT pg_reload_conf()")
        with buying(made.server.address, made.sessions, folder, count=4) as buyers:
            cut_power(made, buyers)
            assert find_missing(made.database.url, buyers.journal, made.sessions) == []

            assert lose_confirmations(made, buyers) != []
