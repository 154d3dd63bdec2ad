"""One form for all lines, and none of them lost or telling too much."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from runtime import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was: it belongs to the process."""
    root = logging.getLogger()
    kept = (root.handlers, root.level, structlog.get_config())
    yield
    root.handlers, root.level = kept[0], kept[1]
    structlog.configure(**kept[2])


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_a_line_for_machines_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger().info("request", status=200)
    structlog.contextvars.clear_contextvars()

    (line,) = lines(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "request", "level": "info", "status": 200, "request_id": "r1"}


def test_lines_of_libraries_have_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    logging.getLogger("uvicorn.error").info("chatter")

    (line,) = lines(capsys.readouterr().err)
    assert line["event"] == "Invalid request"
    assert line["level"] == "warning"
    assert line["logger"] == "uvicorn.error"


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "terminal"])
def test_a_traceback_never_shows_the_values_of_variables(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    logs.configure_logs(as_json=as_json)
    # Not as a literal, which the traceback shows as a line of the source.
    password = "hunter" + str(-2)
    try:
        int(password[:0])
    except ValueError:
        structlog.get_logger().exception("unexpected error")
        logging.getLogger("some.library").exception("unexpected error")

    printed = capsys.readouterr().err
    assert printed.count("ValueError: invalid literal") == 2
    assert "hunter-2" not in printed


def test_a_line_that_cannot_be_json_is_told_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure_logs(as_json=True)
    structlog.get_logger().info("odd", text="\ud800", number=2**70, thing=object)

    (line,) = lines(capsys.readouterr().err)
    assert line["number"] == 2**70


def test_a_line_for_people_is_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=False)
    structlog.get_logger().info("request", status=200)

    printed = capsys.readouterr().err
    assert "request" in printed
    assert not printed.startswith("{")


def test_only_a_terminal_in_development_gets_lines_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert not logs.wants_json(Terminal(), production=False)
    assert logs.wants_json(Terminal(), production=True)
    assert logs.wants_json(io.StringIO(), production=False)


def test_describes_the_error_behind_an_error_in_one_line() -> None:
    behind = ValueError("server closed the connection\n\tbefore or while processing")
    outer = RuntimeError("Database error.")
    outer.__cause__ = behind
    assert logs.describe_error(outer) == "server closed the connection"
    assert logs.describe_error(TimeoutError()) == "TimeoutError"
