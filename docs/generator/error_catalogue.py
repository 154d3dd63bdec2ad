# ruff: noqa: INP001 - part of a script, see __main__.py
"""The page of every code that the API answers with, from the classes in errors.py."""

from typing import Final

from markdown import NOTE, grid
from meanings import MEANINGS

import errors
from errors import Refusal
from rest.error_format import find_status
from schema.user_error import find_error_type

INTRODUCTION: Final = """
# Errors

All surfaces share one vocabulary. A code has one meaning everywhere, and in REST one HTTP status. Programs should read the
code: the message says what to do, and its wording may change. Each code is one class of `errors.py`, and its docstring is the
message; values replace the `{braces}`. The list is that of the whole contract: codes of a part that is not in this release are
reserved.

In REST an error is an entry of `{"errors": [{"code", "message"}]}`. All faults of a body come together, with the status of the
first. [Events](contract/events.md#errors) and [the counter](contract/counter.md#errors) have shapes of their own.

In GraphQL an error is in one of two places. A mutation that is refused for something the caller can correct answers with data:
the payload's object is null, and the payload's `errors` have `code`, `message`, `path` and the type in the column *in a
payload*. Codes without such a type, and all refusals of queries, are in the top-level `errors` of the response, with the code in
`extensions.code`. [The contract](contract/graphql.md#over-http) has the HTTP statuses of GraphQL.

"""


def error_catalogue() -> str:
    """Return docs/errors.md."""
    head = ("GraphQL", "REST", "HTTP", "in a payload", "message", "meaning")
    return NOTE + INTRODUCTION + grid(head, map(row, errors.list_leaves()))


def row(leaf: type[Refusal]) -> tuple[str, ...]:
    """Return a code's line of the table; raise KeyError where docs/generator/meanings.py does not say what it means."""
    carrier = find_error_type(leaf)
    status = str(find_status(leaf).value)
    return (
        f"`{leaf.code}`",
        f"`{leaf.code.lower()}`",
        status,
        f"`{carrier.__name__}`" if carrier else "top level only",
        leaf.message,
        MEANINGS[leaf.code],
    )
