"""Exports come to their end: tried again, taken over from the dead, one file each, and gone in time."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import open_services
from config.settings import Settings
from db.engine import Database
from db.models import MovieExport
from domain import export
from edge.services import Services
from jobs import exports, queue, stalled
from tests.support.factories import make_user
from tests.support.prices import entry, make_export, make_seen, tell
from upstreams.store import Store

STATE = "SELECT status, row_count, attempts, error FROM movie_exports WHERE id = %(id)s"


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as made:
        yield made


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_dir / "exports"


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run_jobs(services))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def requested(database: Database) -> MovieExport:
    user = await make_user(database)
    async with database.transaction() as tx:
        return await export.request_export(tx, user_id=user.id)


async def state(database: Database, made: MovieExport) -> tuple[Any, ...]:
    (row,) = await database.primary.tuples(STATE, id=made.id)
    return row


async def until(database: Database, made: MovieExport, status: str) -> None:
    async with asyncio.timeout(20):
        while (await state(database, made))[0] != status:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def block(folder: Path) -> None:
    """Leave no room for the folder."""
    folder.write_text("in the way")


def unblock(folder: Path) -> None:
    folder.unlink()


def leave_half(folder: Path, made: MovieExport) -> None:
    folder.mkdir(parents=True)
    (folder / f"{export.name_file(made.id)}#1").write_bytes(b"provider,id")


def rows(folder: Path, made: MovieExport) -> list[list[str]]:
    text = (folder / export.name_file(made.id)).read_bytes().decode()
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_contains_every_movie_seen_within_a_day_once(
    services: Services, database: Database, folder: Path
) -> None:
    await tell(database, "cinemaworld", entry("cw1", "Léon, «le» pro\nfessionnel", "1994", "24.50"))
    await tell(database, "filmworld", entry("=1+1", '=cmd|"/C calc"!A0', None, "0"), entry("fw3", "Alien", price=None))
    await tell(database, "filmworld", entry("=1+1", '=cmd|"/C calc"!A0', None, "0"))
    await database.primary.tuples(
        "UPDATE provider_movies SET last_seen_at = last_seen_at - interval '24 hours' WHERE provider_movie_id = 'fw3' RETURNING 1"
    )
    made = await requested(database)
    async with working(services):
        await until(database, made, "completed")

    header, *found = rows(folder, made)
    assert header == ["provider", "id", "title", "year", "price", "first_seen_at", "last_seen_at"]
    assert [row[:5] for row in found] == [
        ["cinemaworld", "cw1", "Léon, «le» pro\nfessionnel", "1994", "24.50"],
        ["filmworld", "'=1+1", """'=cmd|"/C calc"!A0""", "", "0"],
    ]
    assert all(datetime.fromisoformat(row[5]) <= datetime.fromisoformat(row[6]) for row in found)
    assert await state(database, made) == ("completed", 2, 1, None)
    assert names(folder) == [export.name_file(made.id)]


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\ta", "\ra", "＝1", "﹦1", "⁼1")),
        # What a spreadsheet may not count as a beginning, and nobody sees.
        *(
            (text, f"'{text}")
            for text in ("\u200b=1", " =1", "\u3164\u00a0-1", "\ufeff+1", '"=1', "\x00=1", "\u0301=1")
        ),
        # What separates cells where the list separator is another than the comma.
        ("a;=1+1", "a;'=1+1"),
        ("a; \u200b@b;-c", "a;' \u200b@b;'-c"),
        ("\t=1", "'\t'=1"),
        ("a\t=1", "a\t'=1"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n=1", "a\r\n'=1"),
        ("a|=1", "a|'=1"),
        ("a,=1", "a,'=1"),
    ],
)
def test_guards_cells_that_begin_a_formula(text: str, guarded: str) -> None:
    assert export.guard_formula(text) == guarded


def test_guards_each_text_of_a_provider() -> None:
    row = ("=provider", "=id", "=title", "=year", None, *(datetime(2026, 11, 20, tzinfo=UTC),) * 2)

    assert export.format_cells(row)[:5] == ("'=provider", "'=id", "'=title", "'=year", "")


@pytest.mark.parametrize("text", ["", "a=1", "Spider-Man; a film", "1-2", "Léon, le pro", "; ;", "'=1", "E=mc²"])
def test_leaves_other_cells_unchanged(text: str) -> None:
    assert export.guard_formula(text) == text


async def test_reports_progress_while_writing(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 100)
    monkeypatch.setattr(exports, "REPORT_EVERY", 200)
    await make_seen(database, 1000)
    made = await requested(database)
    told = set()
    keep = export.record_progress

    async def watched(*args: Any, **kwargs: Any) -> None:
        await keep(*args, **kwargs)
        told.add((await state(database, made))[:2])

    monkeypatch.setattr(export, "record_progress", watched)
    async with working(services):
        await until(database, made, "completed")

    assert told == {("running", rows) for rows in (200, 400, 600, 800, 1000)}


async def test_records_failure_and_retries(services: Services, database: Database, folder: Path) -> None:
    await make_seen(database, 10)
    block(folder)
    made = await requested(database)
    async with working(services):
        await until(database, made, "queued")
        async with asyncio.timeout(10):
            while (await state(database, made))[3] is None:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.02)
        assert await state(database, made) == ("queued", 0, 1, "The file could not be stored.")
        unblock(folder)
        await until(database, made, "completed")

    assert await state(database, made) == ("completed", 10, 2, None)
    assert len(rows(folder, made)) == 11


async def test_fails_after_the_last_retry(
    services: Services, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "RETRIES", 0)
    block(folder)
    made = await requested(database)
    async with working(services):
        await until(database, made, "failed")

    assert (await state(database, made))[3] == "The file could not be stored."


async def test_requeues_job_of_dead_worker_and_makes_one_file(
    services: Services, database: Database, folder: Path
) -> None:
    await make_seen(database, 5000)
    made = await requested(database)
    # As kill -9 leaves it: a worker of long ago has the job, and half a file is written aside.
    await database.primary.tuples(
        "WITH dead AS (INSERT INTO queue.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
        " RETURNING id) UPDATE queue.procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        " WHERE task_name = %(task)s RETURNING 1",
        task=export.TASK,
    )
    async with database.transaction() as tx:
        assert await export.begin_attempt(tx, export_id=made.id) == 1
    leave_half(folder, made)

    async with working(services):
        await until(database, made, "completed")

    assert names(folder) == [export.name_file(made.id)]
    assert len({row[1] for row in rows(folder, made)}) == len(rows(folder, made)) == 5001
    assert await state(database, made) == ("completed", 5000, 2, None)


async def test_superseded_attempt_changes_nothing(services: Services, database: Database) -> None:
    await make_seen(database, 10)
    made = await requested(database)
    async with database.transaction() as tx:
        old = await export.begin_attempt(tx, export_id=made.id)
    async with database.transaction() as tx:
        await export.begin_attempt(tx, export_id=made.id)
    assert old is not None

    with pytest.raises(export.Superseded):
        await exports.write_file(services, export_id=made.id, attempt=old)

    assert await services.store.read(export.name_file(made.id)) is None
    assert (await state(database, made))[0] == "running"


async def test_gives_up_job_that_kills_its_worker_each_time(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "MAX_ATTEMPTS", 0)
    made = await requested(database)
    await database.primary.tuples("UPDATE queue.procrastinate_jobs SET status = 'doing' RETURNING 1")
    async with working(services):
        await until(database, made, "failed")


async def test_deletes_file_of_expired_export(services: Services, database: Database) -> None:
    now = datetime.now(UTC)
    over = await make_export(database, status="completed", expires_at=now - timedelta(seconds=1))
    good = await make_export(database, status="completed", expires_at=now + timedelta(days=1))

    async def part() -> AsyncIterator[bytes]:
        yield b"x"

    for each in (over, good):
        await services.store.write(export.name_file(each.id), part())
    await exports.delete_expired_files(services)

    assert await services.store.read(export.name_file(over.id)) is None
    assert await services.store.read(export.name_file(good.id)) is not None
    assert (await state(database, over))[0] == "expired"
    assert (await state(database, good))[0] == "completed"


async def test_requests_daily_export_once_where_switched_on(services: Services, database: Database) -> None:
    count = "SELECT count(*) FROM movie_exports WHERE user_id IS NULL"
    await exports.request_daily_export(services)
    assert await database.primary.value(count) == 0

    switched_on = replace(services, settings=replace(services.settings, export_daily=True))
    await asyncio.gather(*(exports.request_daily_export(switched_on) for _ in range(3)))
    assert await database.primary.value(count) == 1


async def test_memory_does_not_grow_with_rows(database: Database) -> None:
    await make_seen(database, 20_000)
    (made,) = [await requested(database)]
    async with database.transaction() as tx:
        attempt = await export.begin_attempt(tx, export_id=made.id)
    assert attempt is not None
    sizes = [
        len(part)
        async for part, _ in export.write_lines(
            database.primary, export_id=made.id, attempt=attempt, batch=1000, report_every=10_000
        )
    ]

    assert len(sizes) == 21
    assert max(sizes) < 200_000


def test_stores_files_in_data_directory_by_default(services: Services, settings: Settings) -> None:
    assert isinstance(services.store, Store)
    assert not (settings.data_dir / "exports").exists()
