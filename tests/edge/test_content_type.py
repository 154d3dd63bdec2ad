"""Whether a body is JSON that is read here, by what it is sent as."""

import pytest

from edge.content_type import is_json


@pytest.mark.parametrize(
    "given",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json ; Charset="UTF-8"',
        "application/json; charset=us-ascii",
        "application/json; profile=x",
        "application/json;",
    ],
)
def test_takes_json_in_utf_8(given: str) -> None:
    assert is_json(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "text/json",
        "application/jsonx",
        "application/json, text/html",
        "application/json; charset=utf-16",
        "application/json; charset=",
        "application/json; charset=utf-8; charset=utf-7",
        ";;;===",
    ],
)
def test_takes_nothing_else(given: str) -> None:
    assert not is_json(given)
