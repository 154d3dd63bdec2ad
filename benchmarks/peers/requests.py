"""What is sent: HTTP requests, what follows their answers, and a script for pgbench."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `token` goes into its Authorization header."""

    method: str
    path: str
    token: str = ""
    body: str = ""

    @property
    def line(self) -> str:
        """The request as wrk.lua reads it."""
        return f"{self.method}\t{self.path}\t{self.token}\t{self.body}"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A request that is sent once an answer holds `marker`; its BOOKING stands for the id in that answer."""

    marker: str
    request: Request


@dataclass(frozen=True, slots=True)
class Load:
    """What a run sends, again and again: requests with what follows them, or a script of pgbench.

    `statements` are what the script runs, with values instead of its variables.
    """

    requests: Sequence[Request] = ()
    follow_ups: Sequence[FollowUp] = ()
    script: str = ""
    statements: Sequence[str] = ()


def read_document(name: str, dialect: str = "") -> str:
    """Return the text of a GraphQL document, without line breaks."""
    return " ".join((HERE / "documents" / dialect / f"{name}.graphql").read_text().split())


def query(document: str, *, token: str = "", **variables: object) -> Request:
    """Return the request that runs a document."""
    body: dict[str, object] = {"query": document}
    if variables:
        body["variables"] = variables
    return Request("POST", "/graphql", token, json.dumps(body))


def fill_statement(name: str, **values: object) -> str:
    """Return the SQL of a file with these values in it."""
    return Template((HERE / "statements" / f"{name}.sql").read_text()).substitute(
        {k: str(v) for k, v in values.items()}
    )


def run_statement(name: str, **values: object) -> Load:
    """Return the load of one statement for pgbench."""
    statement = fill_statement(name, **values)
    return Load(script=statement, statements=[statement])


def run_for_each(name: str, parameter: str, ids: Sequence[int]) -> Load:
    """Return the load of a statement for pgbench that takes any of these ids in turn.

    It is one script with a variable: of many scripts each would be planned anew, which is most of what they would cost.
    """
    cases = " ".join(f"when :place = {place} then {identity}" for place, identity in enumerate(ids, 1))
    choice = f"\\set place random(1, {len(ids)})\n\\set {parameter} case {cases} end\n"
    return Load(
        script=choice + fill_statement(name, **{parameter: f":{parameter}::bigint"}),
        statements=[fill_statement(name, **{parameter: identity}) for identity in ids],
    )
