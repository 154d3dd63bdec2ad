"""Exports: a CSV file of every movie that the providers listed within a day, written by a job that may be retried."""

import csv
import io
import re
import unicodedata
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

from db import ids, job_queue, paging, selects, streaming
from db.engine import Reader, StatementRunner, Transaction
from db.models import ExportStatus, MovieExport
from domain import instants, user
from domain.offer import format_price
from domain.text import is_visible
from errors import ExportGone, ExportNotFound, ExportNotReady

QUEUE: Final = "exports"
TASK: Final = "exports:write_export"
COLUMNS: Final = ("provider", "id", "title", "year", "price", "first_seen_at", "last_seen_at")
# Characters that make a spreadsheet calculate, in each width and height that Unicode has of it (OWASP, CSV injection).
FORMULA_SIGNS: Final = frozenset("=+-@")
# Characters that begin a new cell where the list separator is not the comma, or within a cell that spans lines.
SEPARATORS: Final = re.compile(r"([,;|\t\r\n]+)")
DAY: Final = "interval '24 hours'"
KEPT: Final = "interval '7 days'"

BY_ID: Final = paging.compile_sql(selects.select_by_ids(MovieExport))
ADD: Final = "INSERT INTO movie_exports (user_id) VALUES (%(user_id)s) RETURNING *"
LOCK_DAILY: Final = "SELECT pg_advisory_xact_lock(hashtext('matinee daily export'))"
DAILY_IS_DUE: Final = f"""
    SELECT NOT EXISTS (
        SELECT FROM movie_exports WHERE user_id IS NULL AND created_at > clock_timestamp() - {DAY}
    )
"""
BEGIN: Final = """
    UPDATE movie_exports SET status = 'running', attempts = attempts + 1, row_count = 0, error = NULL
    WHERE id = %(id)s AND status IN ('queued', 'running')
    RETURNING attempts
"""
# Every step names its attempt, so that an attempt that another one has replaced changes nothing.
PROGRESS: Final = """
    UPDATE movie_exports SET row_count = %(rows)s
    WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'running'
    RETURNING true
"""
COMPLETE: Final = f"""
    UPDATE movie_exports SET status = 'completed', row_count = %(rows)s, completed_at = clock_timestamp(),
        expires_at = clock_timestamp() + {KEPT}
    WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'running'
    RETURNING true
"""
END_ATTEMPT: Final = """
    UPDATE movie_exports SET status = %(status)s, error = %(error)s
    WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'running'
"""
GIVE_UP: Final = """
    UPDATE movie_exports SET status = 'failed', error = %(error)s WHERE id = %(id)s AND status IN ('queued', 'running')
"""
DUE: Final = """
    SELECT id FROM movie_exports WHERE status = 'completed' AND expires_at <= clock_timestamp() LIMIT 100
"""
EXPIRE: Final = "UPDATE movie_exports SET status = 'expired' WHERE id = %(id)s AND status = 'completed'"
ROWS: Final = f"""
    SELECT provider, provider_movie_id, title, year, price, first_seen_at, last_seen_at FROM provider_movies
    WHERE last_seen_at >= now() - {DAY}
    ORDER BY provider, provider_movie_id
"""


async def request_export(tx: Transaction, *, user_id: int | None) -> MovieExport:
    """Return the new export, queued; without a user it is the daily export."""
    (made,) = await tx.rows(MovieExport, ADD, user_id=user_id)
    await job_queue.queue_job(tx, queue=QUEUE, task=TASK, lock=f"export {made.id}", export_id=made.id)
    return made


async def request_daily_export(tx: Transaction) -> MovieExport | None:
    """Return the new daily export, None where there is one of the last 24 hours."""
    await tx.value(LOCK_DAILY)
    return await request_export(tx, user_id=None) if await tx.value(DAILY_IS_DUE) else None


async def find_visible_export(runner: StatementRunner, export_id: int, *, user_id: int) -> MovieExport:
    """Return an export of this user, or any export for staff; raise ExportNotFound."""
    found = await runner.row(MovieExport, BY_ID, ids=[export_id])
    if found is None or (found.user_id != user_id and not await user.is_staff(runner, user_id)):
        raise ExportNotFound
    return found


def require_file(found: MovieExport) -> None:
    """Raise ExportNotReady while the file is not written, ExportGone where it failed or has expired."""
    if found.status in (ExportStatus.QUEUED, ExportStatus.RUNNING):
        raise ExportNotReady
    if found.status != ExportStatus.COMPLETED:
        raise ExportGone


def name_file(export_id: int) -> str:
    """Return the name of the export's file in the store."""
    return f"{ids.encode('exp', export_id)}.csv"


def format_download_path(export_id: int) -> str:
    """Return the path of the download on this server."""
    return f"/v1/exports/{ids.encode('exp', export_id)}/movies.csv"


async def begin_attempt(tx: Transaction, *, export_id: int) -> int | None:
    """Begin an attempt and return its number, None where the export has ended already."""
    attempt: int | None = await tx.value(BEGIN, id=export_id)
    tx.touch("export", export_id)
    return attempt


async def write_lines(
    reader: Reader, *, export_id: int, attempt: int, batch: int, report_every: int
) -> AsyncGenerator[tuple[bytes, int], None]:
    """Yield the file, a batch of rows at a time, with the number of rows so far; record the progress.

    Raises Superseded where another attempt has taken over.
    """
    yield format_csv([COLUMNS]), 0
    rows = reported = 0
    async with aclosing(streaming.read_batches(reader, ROWS, size=batch)) as batches:
        async for found in batches:
            rows += len(found)
            yield format_csv(map(format_cells, found)), rows
            if rows - reported >= report_every:
                reported = rows
                await record_progress(reader, export_id=export_id, attempt=attempt, rows=rows)
    # Before the end of the file, which is when the store publishes it.
    await record_progress(reader, export_id=export_id, attempt=attempt, rows=rows)


async def record_progress(runner: StatementRunner, *, export_id: int, attempt: int, rows: int) -> None:
    """Record how many rows are written; raise Superseded where this is not the latest attempt."""
    if not await runner.value(PROGRESS, id=export_id, attempt=attempt, rows=rows):
        raise Superseded
    runner.touch("export", export_id)


async def complete_export(tx: Transaction, *, export_id: int, attempt: int, rows: int) -> bool:
    """Make the export's file available for 7 days; return False where another attempt has taken over."""
    tx.touch("export", export_id)
    return bool(await tx.value(COMPLETE, id=export_id, attempt=attempt, rows=rows))


async def end_attempt(tx: Transaction, *, export_id: int, attempt: int, error: str, last: bool) -> None:
    """Record that an attempt has failed: the export waits for the next one or, after the last one, has failed."""
    status = ExportStatus.FAILED if last else ExportStatus.QUEUED
    await tx.execute(END_ATTEMPT, id=export_id, attempt=attempt, status=status, error=error)
    tx.touch("export", export_id)


async def give_up_export(tx: Transaction, *, export_id: int, error: str) -> None:
    """Record that the export has failed and will not be tried again."""
    await tx.execute(GIVE_UP, id=export_id, error=error)
    tx.touch("export", export_id)


async def list_due_exports(runner: StatementRunner) -> list[int]:
    """Return the completed exports that have expired and still have a file, at most a hundred."""
    return [row[0] for row in await runner.tuples(DUE)]


async def expire_export(tx: Transaction, *, export_id: int) -> None:
    """Record that an export's file is deleted."""
    await tx.execute(EXPIRE, id=export_id)


class Superseded(Exception):
    """Another attempt at this export is under way."""


def format_csv(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows as CSV (RFC 4180) in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def format_cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the cells of a provider's movie as texts."""
    provider, identity, title, year, price, first, last = row
    instants_seen: tuple[datetime, datetime] = (first, last)
    amount = "" if price is None else format_price(price)
    return (*map(guard_formula, (provider, identity, title, year or "")), amount, *map(instants.spell, instants_seen))


def guard_formula(text: str) -> str:
    """Return the text with an apostrophe before each part that a spreadsheet would take for a formula."""
    guarded = "".join(f"'{part}" if begins_formula(part) else part for part in SEPARATORS.split(text))
    return f"'{guarded}" if text.startswith(("\t", "\r", "\n")) else guarded


def begins_formula(text: str) -> bool:
    """Return whether the first visible character, apart from quotation marks, is the sign of a formula."""
    first = next((each for each in text if each != '"' and is_visible(each)), "")
    return unicodedata.normalize("NFKC", first) in FORMULA_SIGNS
