"""Several processes on one listening socket: started together, replaced when they die, ended together."""

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final

import structlog
from prometheus_client.multiprocess import mark_process_dead

from runtime.server import Serving, serve_here
from runtime.shutdown import WORKERS_ENDED, limit_to_deadline
from runtime.signals import end_on_signals, ignore_signals

# Between two starts of a worker that does not come up.
PAUSE_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 1.0
# A worker whose event loop has not beaten for so many checks is hung. Checks, not seconds: a machine that was suspended, or a
# supervisor that was stopped, must not take its workers for hung.
HUNG_CHECKS: Final = 30

log = structlog.get_logger("matinee.workers")


@dataclass
class Worker:
    """A worker process and our end of a pipe to it: it says when it is ready, and ends when our end is gone."""

    process: SpawnProcess
    pipe: Connection
    # Memory in which the worker's event loop counts its beats. To write into a pipe could block it.
    beats: Any
    ready: bool = False
    seen_beats: int = 0
    silent_checks: int = 0


def serve_by_workers(serving: Serving, listener: socket.socket, *, count: int, on_ready: Callable[[], None]) -> None:
    """Serve in `count` processes until a signal ends this one; call `on_ready` once all of them answer.

    Leaves by SystemExit, as `serve_here`.
    """
    with tempfile.TemporaryDirectory(prefix="matinee-metrics-") as folder:
        # prometheus-client asks the environment for the place where processes share what they count.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        context = multiprocessing.get_context("spawn")
        workers: list[Worker] = []
        try:
            workers += [_start(context, serving, listener, place) for place in range(count)]
            _await_ready(workers)
            on_ready()
            while True:
                _await_end_or_check(workers)
                _replace_dead(workers, lambda place: _start(context, serving, listener, place))
        finally:
            _stop(workers)


def _start(context: SpawnContext, serving: Serving, listener: socket.socket, place: int) -> Worker:
    ours, theirs = context.Pipe()
    beats = context.RawValue("Q", 0)
    process = context.Process(target=_work, args=(serving, listener, place, theirs, beats), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours, beats)


def _work(serving: Serving, listener: socket.socket, place: int, pipe: Connection, beats: Any) -> None:  # noqa: ANN401 - ctypes gives it no type
    end_on_signals()
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()

    def beat() -> None:
        beats.value += 1

    serve_here(serving, listener, on_ready=lambda: pipe.send(b"ready"), on_beat=beat, worker=place)


def _end_with_parent(pipe: Connection) -> None:
    try:
        pipe.recv()
    except (EOFError, OSError):
        # The parent was killed; end too, so that the port is free for the next start of the server.
        os.kill(os.getpid(), signal.SIGTERM)


def _await_ready(workers: list[Worker]) -> None:
    while waiting := [worker for worker in workers if not worker.ready]:
        wait([each for worker in waiting for each in (worker.pipe, worker.process.sentinel)])
        for worker in waiting:
            _hear(worker)
            if not worker.ready and not worker.process.is_alive():
                raise SystemExit(worker.process.exitcode or 1)


def _hear(worker: Worker) -> None:
    try:
        if not worker.ready and worker.pipe.poll():
            worker.ready = worker.pipe.recv() == b"ready"
    except (EOFError, OSError):
        worker.ready = False


def _await_end_or_check(workers: list[Worker]) -> None:
    """Wait for the end of a worker, but no longer than until the next check; kill the workers that hang."""
    if wait([worker.process.sentinel for worker in workers], timeout=CHECK_SECONDS):
        return
    for worker in workers:
        _hear(worker)
        beats = worker.beats.value
        # One that still starts, or that ends, does not beat; what goes wrong there ends the process by itself.
        is_silent = worker.ready and beats and beats == worker.seen_beats
        worker.silent_checks = worker.silent_checks + 1 if is_silent else 0
        worker.seen_beats = beats
        if worker.silent_checks > HUNG_CHECKS:
            log.error("worker hangs; killing it", pid=worker.process.pid, seconds=worker.silent_checks * CHECK_SECONDS)
            worker.process.kill()
            worker.process.join()


def _replace_dead(workers: list[Worker], start: Callable[[int], Worker]) -> None:
    """Put a new worker in the place of each dead one."""
    for place, worker in enumerate(workers):
        if worker.process.is_alive():
            continue
        _hear(worker)
        pid, status = worker.process.pid, worker.process.exitcode
        log.error("worker died; starting another", pid=pid, status=status)
        if not worker.ready:
            time.sleep(PAUSE_SECONDS)
        worker.pipe.close()
        if pid is not None:
            # Gauges of its state, such as open circuit breakers, ended with it.
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
        workers[place] = start(place)


def _stop(workers: list[Worker]) -> None:
    ignore_signals()
    deadline = time.monotonic() + limit_to_deadline(WORKERS_ENDED, deadline=WORKERS_ENDED)
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            log.error("worker did not end in time", pid=worker.process.pid)
            worker.process.kill()
            worker.process.join()
