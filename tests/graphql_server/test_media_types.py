"""What a client likes best, and which of it we have."""

import pytest

from graphql_server.media_types import GRAPHQL_JSON, JSON, choose_media_type, wants_page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("Application/JSON; charset=utf-8", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"{GRAPHQL_JSON};q=nonsense", JSON),
        # A weight that breaks the grammar, whatever Python's parser makes of it: its range is ignored.
        *((f"{GRAPHQL_JSON};q={weight}, {JSON};q=0.5", JSON) for weight in ("0.٤", "0_0.1", "nan", "1e-9")),
        (BROWSER, JSON),
        ("text/html, application/json;q=0.1", JSON),
        ("text/html", None),
        ("text/plain, image/*", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=0, */*", GRAPHQL_JSON),
        ("*/*;q=0", None),
    ],
)
def test_the_media_type_that_is_answered_in(accept: str, media_type: str | None) -> None:
    assert choose_media_type(accept) == media_type


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html, application/json;q=0.9", True),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        (f"text/html, {JSON}", False),
        (f"text/html;q=0.5, {GRAPHQL_JSON}", False),
        ("text/html;q=0", False),
    ],
)
def test_a_page_is_for_browsers(accept: str, page: bool) -> None:  # noqa: FBT001 - a column of the table
    assert wants_page(accept) is page
