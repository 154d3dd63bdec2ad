"""Log lines: JSON for machines, readable in a terminal, and one form for ours and for those of libraries."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

# httpx tells the address of each request, which is nobody's business but the third party's.
QUIET = ("uvicorn.error", "alembic", "psycopg.pool", "procrastinate", "httpx", "httpcore")

access_log = structlog.get_logger("matinee.access")


def wants_json(stream: TextIO, *, production: bool) -> bool:
    """Return whether lines should be JSON: in production, or when nobody reads them in a terminal."""
    return production or not stream.isatty()


def describe_error(error: BaseException) -> str:
    """Return in one line what an error says, or its type where it says nothing; where another error caused it, of that one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def configure_logs(*, as_json: bool) -> None:
    """Send what is logged from now on to stderr, a line an event; tracebacks never show the values of variables."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending = _json_ending() if as_json else _terminal_ending()
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _adopt_libraries(shared, ending)


def log_request(fields: dict[str, Any]) -> None:
    """Write the access log's line of a request.

    As JSON the line is put together here, without structlog's chain of processors: every request pays for it. Its form is that
    of all other lines.
    """
    processors = structlog.get_config()["processors"]
    writer = processors[-1] if processors else None
    if not isinstance(writer, JSONLines):
        access_log.info("request", **fields)
        return
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    fields["event"] = "request"
    # Where both have a name they agree, except for a request that was answered outside of any context of its own.
    writer.write({**structlog.contextvars.get_contextvars(), **fields, "level": "info", "timestamp": now})


class JSONLines(structlog.processors.JSONRenderer):
    """Renders a line as JSON, and writes lines that are complete to the stream of all lines."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(serializer=_json_line)
        self._stream = stream

    def write(self, fields: Mapping[str, object]) -> None:
        """Write a line of these fields."""
        self._stream.write(_json_line(fields, default=repr) + "\n")


def _json_ending() -> list[Processor]:
    return [structlog.processors.format_exc_info, JSONLines(sys.stderr)]


def _terminal_ending() -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]


def _json_line(event: object, *, default: Callable[[object], object]) -> str:
    try:
        return orjson.dumps(event, default=default).decode()
    except TypeError:
        # Lone surrogates and giant numbers, which orjson refuses: a log line must never fail.
        return json.dumps(event, default=repr)


def _adopt_libraries(shared: list[Processor], ending: list[Processor]) -> None:
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[clean, *ending],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
