"""What a page view must be before it is kept, with the path to what is wrong."""

from typing import Any

import pytest

from db.models import PageEventType
from domain import page_view
from domain.page_view import LONGEST_PATH, MOST_QUERY_PARAMETERS, NewPageView
from errors import Refusal, Refusals


def seen(**given: Any) -> NewPageView:
    facts: dict[str, Any] = {
        "tracking_id": "abc",
        "type": PageEventType.PAGE_ENTER,
        "scheme": "https",
        "path": "/",
        "query": (),
    }
    return NewPageView(**facts | given)


def paths(view: NewPageView) -> list[tuple[str, ...]]:
    try:
        page_view.check_page_view(view)
    except Refusals as several:
        return [fault.path for fault in several.exceptions if isinstance(fault, Refusal)]
    except Refusal as one:
        return [one.path]
    return []


GOOD: dict[str, dict[str, Any]] = {
    "as long as may be": {"path": "x" * LONGEST_PATH},
    "a path of nothing": {"path": ""},
    "a value of nothing": {"query": (("a", ""),)},
    "a value of a blank": {"query": (("a", " "), (" ", "b"))},
    "as many parameters as may be": {"query": (("a", "b"),) * MOST_QUERY_PARAMETERS},
}
BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no client": ({"tracking_id": ""}, ("input", "trackingId")),
    "NUL in the client": ({"tracking_id": "\0"}, ("input", "trackingId")),
    "no scheme": ({"scheme": ""}, ("input", "page", "scheme")),
    "long path": ({"path": "x" * (LONGEST_PATH + 1)}, ("input", "page", "path")),
    "long path of blanks": ({"path": " " * (LONGEST_PATH + 1)}, ("input", "page", "path")),
    "lone surrogate in the path": ({"path": "\ud800"}, ("input", "page", "path")),
    "NUL in a name": ({"query": (("a", "b"), ("\0", "b"))}, ("input", "page", "query", "1", "name")),
    "NUL in a value": ({"query": (("a", "b\0"),)}, ("input", "page", "query", "0", "value")),
    "too many parameters": ({"query": (("a", "b"),) * (MOST_QUERY_PARAMETERS + 1)}, ("input", "page", "query")),
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
def test_accepts_page_views_that_can_be_stored(given: dict[str, Any]) -> None:
    view = seen(**given)
    assert page_view.check_page_view(view) is view


@pytest.mark.parametrize(("given", "path"), BAD.values(), ids=BAD)
def test_fault_of_page_view_has_path_to_it(given: dict[str, Any], path: tuple[str, ...]) -> None:
    assert paths(seen(**given)) == [path]


def test_refuses_all_faults_of_page_view_at_once() -> None:
    assert paths(seen(tracking_id="", scheme="")) == [("input", "trackingId"), ("input", "page", "scheme")]
