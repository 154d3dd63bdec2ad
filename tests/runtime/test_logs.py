"""One form for all lines, and none of them lost or telling too much."""

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from runtime import logs
from runtime.logs import FLUSH_SECONDS, JoinedLines
from runtime.standard_streams import PIECE_BYTES


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


def log_one(identity: str, path: str = "/v1/movies", **more: object) -> None:
    logs.log_request(method="GET", path=path, status=200, seconds=0.00123, request_id=identity, more=more)


def test_line_of_a_request_has_the_form_of_other_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)
    log_one("r1", '/v1/"\\\n\ud800é', operation="WhatIsOn", user="usr_1")
    structlog.get_logger().info("other")

    line, other = lines(capsys.readouterr().err)
    assert len(line["timestamp"]) == len(other.pop("timestamp"))
    assert abs(datetime.now(UTC) - datetime.fromisoformat(line.pop("timestamp"))).total_seconds() < 60
    expected = {"event": "request", "level": "info", "method": "GET", "path": '/v1/"\\\n\ud800é', "status": 200}
    assert line == expected | {"ms": 1.23, "request_id": "r1", "operation": "WhatIsOn", "user": "usr_1"}
    assert other == {"event": "other", "level": "info"}


async def test_lines_of_requests_come_before_what_is_logged_after_them(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)
    log_one("r1")
    log_one("r2")
    assert capsys.readouterr().err == ""
    logging.getLogger("some.library").warning("between")
    log_one("r3")
    structlog.get_logger().info("after")
    log_one("r4")
    logs.flush_lines()

    found = [line.get("request_id") or line["event"] for line in lines(capsys.readouterr().err)]
    assert found == ["r1", "r2", "between", "r3", "after", "r4"]


async def test_line_of_a_request_is_written_while_nothing_follows(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)
    for identity in ("r1", "r2"):
        log_one(identity)
        await asyncio.sleep(FLUSH_SECONDS * 3)
        (line,) = lines(capsys.readouterr().err)
        assert line["request_id"] == identity


def test_line_of_a_request_in_an_ended_loop_does_not_delay_those_of_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure_logs(as_json=True)

    async def log_in_loop(seconds: float) -> None:
        log_one("r1")
        await asyncio.sleep(seconds)

    asyncio.run(log_in_loop(0))
    asyncio.run(log_in_loop(FLUSH_SECONDS * 3))
    assert len(lines(capsys.readouterr().err)) == 2


async def test_pieces_are_whole_lines_that_a_pipe_takes_at_once() -> None:
    written: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    stream = JoinedLines(Stream())
    for number in range(1000):
        stream.join(b"%b\n" % (b"x" * (number % 300)))
    stream.join(b"y" * (PIECE_BYTES + 1) + b"\n")
    stream.flush()

    assert "".join(written).count("\n") == 1001
    assert all(piece.endswith("\n") for piece in written)
    assert all(len(piece) <= PIECE_BYTES for piece in written[:-1])
    assert len(written) < 60


def test_lines_of_several_threads_are_neither_lost_nor_mixed(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs(as_json=True)

    async def log_many(name: str) -> None:
        for number in range(500):
            log_one(f"{name}-{number}")
            if number % 50 == 0:
                structlog.get_logger().info(name)
                await asyncio.sleep(0)

    threads = [threading.Thread(target=asyncio.run, args=(log_many(name),)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs.flush_lines()

    found = [line["request_id"] for line in lines(capsys.readouterr().err) if line["event"] == "request"]
    for name in "abc":
        assert [each for each in found if each.startswith(name)] == [f"{name}-{number}" for number in range(500)]


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
