"""A server whose log or addresses cannot be written: it starts, serves and ends as any other."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Final

import httpx
import psycopg
import pytest

from runtime.server import listen
from tests.support.servers import ROOT

NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/nothing"
PIPE_BYTES: Final = 4096
PATIENCE_SECONDS: Final = 60.0
Unwritable = Callable[[], AbstractContextManager[int]]
# Each writes a line of the access log, far more than the pipe takes.
REQUESTS: Final = 60


@contextmanager
def start(
    folder: Path, *arguments: str, stdout: int, stderr: int, database_url: str = NOWHERE
) -> Iterator["subprocess.Popen[bytes]"]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DATABASE_"))}
    with subprocess.Popen(  # noqa: S603 - no input of others
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=ours | {"MATINEE_DATA_DIR": str(folder), "DATABASE_URL": database_url},
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
    ) as process:
        try:
            yield process
        finally:
            # Leaving the block waits for the process, which must not outlive a failed test.
            process.kill()


@contextmanager
def full_disk() -> Iterator[int]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@contextmanager
def closed_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@contextmanager
def pipe_that_nobody_reads() -> Iterator[int]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("unwritable", [full_disk, closed_pipe, pipe_that_nobody_reads])
def test_serve_works_when_log_cannot_be_written(tmp_path: Path, unwritable: Unwritable) -> None:
    with (
        unwritable() as stderr,
        start(tmp_path, "serve", "--port", "0", stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[1].rstrip("/")
        with httpx.Client(base_url=address) as client:
            assert {client.get("/livez").status_code for _ in range(REQUESTS)} == {200}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_serve_starts_when_standard_output_cannot_be_written(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (
        full_disk() as stdout,
        start(tmp_path, "serve", "--port", address[10:], stdout=stdout, stderr=subprocess.DEVNULL) as process,
    ):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(f"http://{address}/livez"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


def test_worker_starts_when_standard_output_cannot_be_written(tmp_path: Path) -> None:
    with (
        full_disk() as stdout,
        start(tmp_path, "worker", stdout=stdout, stderr=subprocess.PIPE) as process,
    ):
        lines: Iterator[bytes] = iter(_stderr_of(process))
        # It has come past what it prints once it says that its database is missing to its jobs.
        assert any(b"job worker restarts" in line for line in lines)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("arguments", "done"),
    [
        ("migrate", "SELECT count(*) > 0 FROM alembic_version"),
        ("demo", "SELECT count(*) > 100 FROM movies"),
        ("staff add ada@example.org --password-stdin", "SELECT is_staff FROM users"),
        ("documents add client.graphql", "SELECT count(*) = 1 FROM trusted_documents"),
    ],
)
def test_command_does_its_work_when_standard_output_cannot_be_written(
    tmp_path: Path, empty_database_url: str, arguments: str, done: str
) -> None:
    document = tmp_path / "client.graphql"
    document.write_text("query Q { movies(first: 1) { nodes { id } } }")
    command = arguments.replace(document.name, str(document)).split()
    with (
        full_disk() as stdout,
        start(tmp_path, *command, stdout=stdout, stderr=subprocess.PIPE, database_url=empty_database_url) as process,
    ):
        _, said = process.communicate(b"correct horse battery\n", timeout=PATIENCE_SECONDS)

    assert (process.returncode, b"Traceback" in said) == (0, False), said
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(done.encode()).fetchone() == (True,)


def _stderr_of(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stderr is not None
    return process.stderr
