"""Page views: acknowledged once they are durable, and stored in batches, so that a burst needs few commits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from db.engine import Database, Transaction
from db.models import PageEventType
from db.statement_batching import StatementBatcher
from domain.text import find_problem
from errors import InvalidInput, Refusal, refuse

LONGEST_TRACKING_ID: Final = 255
LONGEST_SCHEME: Final = 32
LONGEST_PATH: Final = 2048
MOST_QUERY_PARAMETERS: Final = 100

# Joins the user: an account that was deleted meanwhile must not fail the whole batch.
KEEP: Final = """
    INSERT INTO page_views (tracking_id, user_id, type, scheme, path, query)
    SELECT tracking_id, users.id, type, scheme, path, query
    FROM ROWS FROM (jsonb_to_recordset(%(views)s::jsonb)
        AS (tracking_id text, user_id bigint, type text, scheme text, path text, query jsonb)
    ) WITH ORDINALITY AS seen (tracking_id, user_id, type, scheme, path, query, place)
    LEFT JOIN users ON users.id = seen.user_id
    ORDER BY place
"""
# The oldest first, by the index page_views_by_time; what another process is deleting is skipped.
DELETE_OLD: Final = """
    WITH old AS MATERIALIZED (
        SELECT id FROM page_views WHERE occurred_at <= clock_timestamp() - %(days)s * interval '1 day'
        ORDER BY occurred_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM page_views USING old WHERE page_views.id = old.id RETURNING 1
    )
    SELECT count(*) FROM deleted
"""


@dataclass(frozen=True, slots=True)
class NewPageView:
    """A page view to store: a page that a visitor entered or left; `query` has [name, value] pairs in their order."""

    tracking_id: str
    type: PageEventType
    scheme: str
    path: str
    query: tuple[tuple[str, str], ...]
    user_id: int | None = None


def check_page_view(view: NewPageView) -> NewPageView:
    """Return the page view; raise all InvalidInputs at once. Only the client's name and the scheme must not be empty."""
    page = ("input", "page")
    faults: list[Refusal] = [
        *find_faults_at(("input", "trackingId"), view.tracking_id, longest=LONGEST_TRACKING_ID),
        *find_faults_at((*page, "scheme"), view.scheme, longest=LONGEST_SCHEME),
        *find_faults_at((*page, "path"), view.path, longest=LONGEST_PATH, may_be_empty=True),
    ]
    for place, pair in enumerate(view.query):
        for name, text in zip(("name", "value"), pair, strict=True):
            at = (*page, "query", str(place), name)
            faults += find_faults_at(at, text, longest=LONGEST_PATH, may_be_empty=True)
    if len(view.query) > MOST_QUERY_PARAMETERS:
        problem = f"must have at most {MOST_QUERY_PARAMETERS} parameters"
        faults.append(InvalidInput(path=(*page, "query"), field="query", problem=problem))
    refuse(faults)
    return view


def find_faults_at(
    path: tuple[str, ...], text: str, *, longest: int, may_be_empty: bool = False
) -> Iterator[InvalidInput]:
    """Yield the fault of a text of at most `longest` characters at this path into a mutation's arguments."""
    problem = find_problem(text, longest=longest, may_be_empty=may_be_empty)
    if problem:
        yield InvalidInput(path=path, field=path[-1], problem=problem)


async def insert_page_views(database: Database, views: Sequence[NewPageView]) -> None:
    """Insert all of them by one statement, in their order, and return once they are durable."""
    await database.commit_statement(KEEP, views=orjson.dumps(views).decode())


def make_batcher(database: Database) -> StatementBatcher[NewPageView]:
    """Return what inserts page views into this database, those together that come together."""
    return StatementBatcher(partial(insert_page_views, database))


async def delete_old_page_views(tx: Transaction, *, days: int, batch: int) -> int:
    """Delete up to `batch` page views older than so many days; return how many were deleted."""
    deleted: int = await tx.value(DELETE_OLD, days=days, batch=batch)
    return deleted
