"""How many files of the project one request enters (benchmarks/walk.py)."""

import math
from dataclasses import replace
from typing import Final

import pytest

from app import create_app
from benchmarks.walk import RESERVATION, list_files, prepare_walks
from config.settings import Settings
from db.engine import Database
from tests.conftest import running
from tests.support.factories import make_session

# Whoever adds a file joins two others first.
MOST_FILES: Final = 20
# Its timer looks ten times a second whether the database answers: on a slow machine, during every request.
TIMER: Final = "db/server_watch.py"


async def test_reservation_by_graphql_enters_few_files(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine each request would begin this read, which is done for all requests of a third of a second.
    monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", math.inf)
    await make_session(database)
    async with running(create_app(replace(settings, public_url="http://cinema.local"), with_jobs=False)) as client:
        files = await list_files((await prepare_walks(client))[RESERVATION])

    assert len([file for file in files if file != TIMER]) <= MOST_FILES, files
