"""Answers the requests of a connection one after the other: at once, when something is done, or by the application."""

from asyncio import Event, Future, Transport
from functools import partial
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from runtime.joined_writes import JoinedWrites
from runtime.pending_answers import Answer, AnswerAtOnce, BegunRequest, PendingAnswer
from runtime.proxy_headers import TrustedProxies


class AnsweringProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, where a request that is whole may be answered without a task."""

    # The request that is being answered; those that arrive meanwhile wait in uvicorn's `pipeline`.
    answering: RequestResponseCycle | None = None
    # What the application writes its answer to.
    writes: JoinedWrites | None = None
    # Answers requests without a task; the application puts it into the state of its lifespan.
    answer_at_once: AnswerAtOnce | None = None
    proxies: TrustedProxies | None = None
    # The application of a request whose head has just arrived. It starts once the bytes that came with the head are parsed.
    held_app: ASGI3Application | None = None
    is_head_new = False
    # The scope of the last request that was parsed and needed no task.
    scope_at_once: dict[str, Any] | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Find out what answers without a task."""
        super().connection_made(transport)
        self.answer_at_once = self.app_state.get("answer_at_once")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered; uvicorn tells only the one that arrived last."""
        if self.answering is not None:
            self.answering.disconnected = True
            self.answering.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Start a request. One whose head has just arrived is held until the bytes that came with it are parsed.

        uvicorn calls this for each request, also for those that were sent before earlier ones had their answers.
        """
        if self.is_head_new and self.answer_at_once is not None and cycle.keep_alive and not self.expect_100_continue:
            self.held_app = app
            return
        self.answering = cycle
        self.writes = JoinedWrites(self.transport, self.loop)
        cycle.transport = cast("Transport", self.writes)
        super()._start_asgi_task(cycle, app)

    def start_held(self) -> None:
        """Start a request whose body has not arrived with its head."""
        app, self.held_app = self.held_app, None
        if app is not None:
            self._start_asgi_task(self.cycle, app)

    def answer_held(self) -> None:
        """Answer a whole request at once or when something is done; start one that is for the application."""
        app = self.held_app
        if app is None:
            return
        found = self._find_answer()
        if found is None:
            self.start_held()
            return
        self.held_app = None
        self.scope_at_once = cast("dict[str, Any]", self.scope)
        if isinstance(found, PendingAnswer):
            self._await_answer(found, self.cycle, app)
        else:
            self._write_answer(self.cycle, found)

    def await_begun(self, begun: BegunRequest) -> None:
        """Answer a request that began without being parsed, when something is done."""
        arrived = Event()
        arrived.set()
        cycle = self.cycle = RequestResponseCycle(
            scope=cast("Any", begun.scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=arrived,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        cycle.body += begun.body
        cycle.more_body = False
        self._await_answer(begun.answer, cycle, self.app)

    def _await_answer(self, pending: PendingAnswer, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        # The end of the server waits for these too, and cancels what takes too long.
        self.tasks.add(pending.awaited)  # type: ignore[arg-type]  # no task, but used like one
        pending.awaited.add_done_callback(partial(self._finish_pending, pending, cycle, app))

    def _find_answer(self) -> Answer | PendingAnswer | None:
        if self.answer_at_once is None or self.flow.write_paused or self.transport.is_closing():
            return None
        scope = cast("dict[str, Any]", self.scope)
        if self.proxies is not None:
            self.proxies.read_headers(scope)
        return self.answer_at_once(scope, bytes(self.cycle.body))

    def _finish_pending(
        self, pending: PendingAnswer, cycle: RequestResponseCycle, app: ASGI3Application, awaited: Future[Any]
    ) -> None:
        self.tasks.discard(awaited)
        try:
            found = pending.finish(awaited)
        except BaseException:
            # The event loop logs it. Without its answer the client would wait for ever.
            self.transport.close()
            raise
        if found is None:
            self._start_asgi_task(cycle, app)
        elif self.transport.is_closing():
            self.answering = None
        else:
            self._write_answer(cycle, found)

    def _write_answer(self, cycle: RequestResponseCycle, found: Answer) -> None:
        """Write a whole response; not more than one waits for a client that does not read, as long as `_find_answer` looks."""
        status, headers, body = found
        # Otherwise the server ends.
        self.write_whole(found if cycle.keep_alive else (status, [*headers, (b"connection", b"close")], body))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def write_whole(self, response: Answer) -> None:
        """Write a whole response."""
        status, headers, body = response
        lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))

    def on_response_complete(self) -> None:
        """Go on with what has arrived meanwhile."""
        self.server_state.total_requests += 1
        self.answering = None
        if self.writes is not None:
            # The head of an answer without a body would come after the next answer.
            self.writes.flush()
            self.writes = None
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.on_all_answered()

    def on_all_answered(self) -> None:
        """Called when every request that has arrived has its answer."""
