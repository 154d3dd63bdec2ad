"""Clients in Python do the whole booking: gql by GraphQL, and what openapi-python-client makes by REST."""

import os
from pathlib import Path

from tests.clients.checks import check_booking, check_rest_booking, where_wanted
from tests.clients.conftest import Workplace

pytestmark = where_wanted


def test_gql_reads_pages_books_and_follows_seats(workplace: Workplace) -> None:
    check_booking(workplace.book(workplace.find_python(), "booking_by_gql.py"))


def test_openapi_python_client_types_whole_booking(workplace: Workplace) -> None:
    python = workplace.find_python()
    workplace.run(
        Path(python).parent / "openapi-python-client",
        "generate",
        "--url",
        f"{workplace.cinema.url}/openapi.json",
        "--meta",
        "none",
        "--output-path",
        "matinee_client",
        # It warns of each schema that it cannot make a model of.
        "--fail-on-warning",
        PATH=f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
    )
    check_rest_booking(workplace.book(python, "booking_by_openapi.py"))
