"""What is sent: HTTP requests, what follows their answers, and scripts for pgbench."""

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
    """What a run sends, again and again: requests with what follows them, or scripts of pgbench."""

    requests: Sequence[Request] = ()
    follow_ups: Sequence[FollowUp] = ()
    scripts: Sequence[str] = ()


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
