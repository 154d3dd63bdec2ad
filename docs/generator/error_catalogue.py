# ruff: noqa: INP001 - part of a script, see __main__.py
"""The page of every code that the API answers with, from the classes in errors.py."""

from typing import Final

from markdown import NOTE, grid
from meanings import MEANINGS

import errors
from errors import Refusal
from rest.error_format import status_of
from schema.user_error import KINDS

INTRODUCTION: Final = """
# Errors

One vocabulary for every door. A code means the same wherever it appears, and in REST always comes with the same HTTP
status. The message says what to do about it and may be reworded, so programs should look at the code. Each code is one class of
`errors.py`, whose docstring is the message; what stands in `{braces}` is filled in. The list is that of the whole
contract: where a part of the API is not in this release, its codes are reserved for it.

In REST an error is an entry of `{"errors": [{"code", "message"}]}`. Several faults of one body come together, with the
status of the first. [Events](events.md#errors) and [the counter](counter.md#errors) have shapes of their own.

In GraphQL there are two places. A mutation that is refused for what its caller can see and mend answers with data: the
payload's object is null, and the payload's own `errors` say why, each with `code`, `message`, `path` and the type in the
column *in a payload*. What has no such type, and whatever a query is refused, is in the top-level `errors` of the
response, with the code in `extensions.code`. The HTTP statuses of GraphQL are told in [graphql.md](graphql.md#over-http).

"""


def error_catalogue() -> str:
    """Return docs/errors.md."""
    head = ("GraphQL", "REST", "HTTP", "in a payload", "message", "meaning")
    return NOTE + INTRODUCTION + grid(head, map(row, errors.leaves()))


def row(leaf: type[Refusal]) -> tuple[str, ...]:
    """Return a code's line of the table; raise KeyError where docs/generator/meanings.py does not say what it means."""
    carrier = next((f"`{shown.__name__}`" for refused, shown in KINDS if issubclass(leaf, refused)), "top level only")
    status = str(status_of(leaf).value)
    return f"`{leaf.code}`", f"`{leaf.code.lower()}`", status, carrier, leaf.message, MEANINGS[leaf.code]
