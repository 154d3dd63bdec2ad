"""Log lines: JSON for machines, readable in a terminal, and one form for ours and for those of libraries."""

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TextIO, cast

import orjson
import structlog
from structlog.typing import Processor

from runtime.standard_streams import PIECE_BYTES

# httpx tells the address of each request, which is nobody's business but the third party's.
QUIET: Final = ("uvicorn.error", "alembic", "psycopg.pool", "procrastinate", "httpx", "httpcore")

MICROSECONDS: Final = 1_000_000
# How late a line of the access log may be. A process that is killed loses the lines of so long.
FLUSH_SECONDS: Final = 0.05

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
    stream = JoinedLines(sys.stderr)
    ending = _json_ending(stream) if as_json else _terminal_ending()
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", stream)),
        cache_logger_on_first_use=True,
    )
    _adopt_libraries(shared, ending, stream)


def log_request(
    *, method: str, path: str, status: int, seconds: float, request_id: str, more: Mapping[str, object]
) -> None:
    """Write the access log's line of a request; `request_id` needs no escapes, and `more` is what only some lines have.

    As JSON the line is put together here, without structlog's chain of processors: every request pays for it. Its form is that
    of all other lines. It may be written some milliseconds later.
    """
    writer = _find_json_lines()
    if writer is None:
        fields = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 2)}
        access_log.info("request", **fields, request_id=request_id, **more)
        return
    rest = _json_line(more, default=repr).encode()[1:-1] if more else b""
    line = b'%b,"ms":%.2f,"request_id":"%b"%b%b,"event":"request","level":"info","timestamp":"%b"}\n'
    begin, milliseconds, comma = _begin_line(method, path, status), seconds * 1000, b"," if rest else b""
    writer.stream.join(line % (begin, milliseconds, request_id.encode(), comma, rest, _format_now()))


def flush_lines() -> None:
    """Write the lines of the access log that are held, before the process ends."""
    writer = _find_json_lines()
    if writer is not None:
        writer.stream.flush()


class JoinedLines:
    """A text stream whose lines can be joined, so that a request does not pay for a system call.

    What is written without joining comes after all lines before it. A piece is whole lines, no more than a pipe takes at once: so the lines of several processes never mix.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to this stream."""
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        # The event loop that will write what is held.
        self._flushing: asyncio.AbstractEventLoop | None = None
        # Reentrant: a handler of a signal may log. Lines come from all threads.
        self._lock = threading.RLock()

    def join(self, line: bytes) -> None:
        """Write a line within FLUSH_SECONDS; at once where no event loop runs in this thread."""
        with self._lock:
            if self._size + len(line) > PIECE_BYTES:
                self.flush()
            self._lines.append(line)
            self._size += len(line)
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
                return
            # Another loop may have ended with its timer waiting.
            if loop is not self._flushing:
                self._flushing = loop
                loop.call_later(FLUSH_SECONDS, self._flush_late)

    def _flush_late(self) -> None:
        self._flushing = None
        self.flush()

    def write(self, text: str) -> None:
        """Write a text at once, after what is held."""
        with self._lock:
            self.flush()
            self._stream.write(text)

    def flush(self) -> None:
        """Write what is held."""
        with self._lock:
            lines, self._lines, self._size = self._lines, [], 0
            if lines:
                self._stream.write(b"".join(lines).decode())
            self._stream.flush()


class JSONLines(structlog.processors.JSONRenderer):
    """Renders a line as JSON; knows the stream of all lines."""

    def __init__(self, stream: JoinedLines) -> None:
        super().__init__(serializer=_json_line)
        self.stream = stream


def _find_json_lines() -> JSONLines | None:
    processors = structlog.get_config()["processors"]
    writer = processors[-1] if processors else None
    return writer if isinstance(writer, JSONLines) else None


@lru_cache(maxsize=256)
def _begin_line(method: str, path: str, status: int) -> bytes:
    fields = {"method": method, "path": path, "status": status}
    return _json_line(fields, default=repr).encode()[:-1]


def _format_now() -> bytes:
    seconds, microseconds = divmod(time.time_ns() // 1000, MICROSECONDS)
    return b"%b.%06dZ" % (_format_second(seconds), microseconds)


@lru_cache(maxsize=2)
def _format_second(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()


def _json_ending(stream: JoinedLines) -> list[Processor]:
    return [structlog.processors.format_exc_info, JSONLines(stream)]


def _terminal_ending() -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]


def _json_line(event: object, *, default: Callable[[object], object]) -> str:
    try:
        return orjson.dumps(event, default=default).decode()
    except TypeError:
        # Lone surrogates and giant numbers, which orjson refuses: a log line must never fail.
        return json.dumps(event, default=repr)


def _adopt_libraries(shared: list[Processor], ending: list[Processor], stream: JoinedLines) -> None:
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[clean, *ending],
    )
    handler = logging.StreamHandler(cast("TextIO", stream))
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
