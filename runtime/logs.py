"""Log lines: JSON for machines, readable in a terminal, and one form for ours and for those of libraries."""

import json
import logging
import sys
from collections.abc import Callable
from typing import TextIO

import orjson
import structlog
from structlog.typing import Processor

# httpx tells the address of each request, which is nobody's business but the third party's.
QUIET = ("uvicorn.error", "alembic", "psycopg.pool", "procrastinate", "httpx", "httpcore")


def wants_json(stream: TextIO, *, production: bool) -> bool:
    """Return whether lines should be JSON: in production, or when nobody reads them in a terminal."""
    return production or not stream.isatty()


def describe_error(error: BaseException) -> str:
    """Return in one line what an error says, or its type where it says nothing; where another error caused it, of that one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def configure(*, as_json: bool) -> None:
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


def _json_ending() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_json_line),
    ]


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
