"""The playground's first tabs are valid against the schema that this server publishes."""

import re
from pathlib import Path

from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse, validate

_ROOT = Path(__file__).parents[2]
_SCHEMA = build_schema((_ROOT / "schema.graphql").read_text())


def _documents() -> list[DocumentNode]:
    source = (_ROOT / "web/static/tools/graphiql-examples.js").read_text()
    return [parse(text) for text in re.findall(r"`([^`]+)`", source)]


def test_every_tab_of_playground_is_valid() -> None:
    documents = _documents()
    assert len(documents) == 2
    for document in documents:
        assert validate(_SCHEMA, document) == []


def test_second_tab_leads_from_account_to_confirmed_booking() -> None:
    operations = [
        definition.name.value
        for definition in _documents()[1].definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    ]
    steps = ["SignUp", "SignIn", "WhatIsOn", "Open", "Reserve", "Confirm", "MyBookings"]
    assert operations == [f"BookTwoSeats_{step}" for step in steps]
