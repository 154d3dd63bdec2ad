"""What sessions show and where."""

from db.engine import Database
from domain import session_summary
from domain.session_summary import SessionSummary
from tests.support.factories import make_session
from tests.support.statements import Statements


async def test_summary_has_movie_and_place_of_session(database: Database) -> None:
    one, two = await make_session(database), await make_session(database)
    found = await session_summary.read_summaries(database.primary, [one.id, two.id, one.id, 1])

    assert set(found) == {one.id, two.id}
    assert isinstance(found[one.id], SessionSummary)
    assert (found[two.id].movie_id, found[two.id].place_id) == (two.movie_id, two.place_id)
    assert found[two.id].title.startswith("Movie ")
    assert found[two.id].name.startswith("Place ")


async def test_no_sessions_need_no_statement(database: Database, statements: Statements) -> None:
    assert await session_summary.read_summaries(database.primary, []) == {}
    assert statements == []
