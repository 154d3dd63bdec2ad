"""A planned document is one statement, however many lists it has."""

from typing import Final

from tests.graphql_server.planner.house import House
from tests.loaders import test_statements, test_ticket_statements
from tests.loaders.test_statements import Case, at
from tests.support.graphql_client import GraphQL
from tests.support.statements import Statements

CASES: Final[dict[str, Case]] = {
    name: case
    for name, case in {**test_statements.CASES, **test_ticket_statements.CASES}.items()
    if "$show" not in case.fields
}


async def test_runs_one_statement_a_document(graphql: GraphQL, statements: Statements, house: House) -> None:
    for case in CASES.values():
        statements.clear()
        answer = await graphql(f"query ($n: Int!) {{ {case.fields} }}", {"n": 20}, by=house.clerk)
        at(answer.data, case.path)
        assert len(statements) == 1, case
