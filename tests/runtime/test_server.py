"""How a server begins, and how it ends: in order, in time, with status 0."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from runtime.server import ListenError, listen
from tests.support.lived import lived

ROOT = Path(__file__).parents[2]


@contextmanager
def running(
    app: str = "sound", *, workers: int = 1, drain_seconds: int = 5
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a running server of slow_server.py and its address."""
    command = [sys.executable, "-m", "tests.support.slow_server", app, str(workers), str(drain_seconds)]
    with (
        # What a killed server leaves behind goes with it.
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(  # noqa: S603 - no input of others
            command,
            cwd=ROOT,
            env=os.environ | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield process, f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(15)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_ends_it_with_status_0(workers: int, number: signal.Signals) -> None:
    with running(workers=workers) as (process, address):
        assert httpx.get(f"{address}/pid").status_code == 200

        assert end(process, number) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/pid")


def test_goes_on_at_the_hangup_that_nohup_ignores() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running() as (process, address):
            process.send_signal(signal.SIGHUP)
            assert httpx.get(f"{address}/slow/0.3").text == "done"
            assert end(process) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_being_answered_is_answered(workers: int) -> None:
    with running(workers=workers) as (process, address), httpx.stream("GET", f"{address}/slow/1") as answer:
        assert end(process) == 0
        assert answer.read() == b"done"


@pytest.mark.alone
def test_a_request_that_never_ends_does_not_keep_it() -> None:
    with running(drain_seconds=1) as (process, address), httpx.stream("GET", f"{address}/slow/60"):
        with lived() as spent:
            assert end(process) == 0
        assert spent.seconds < 4


@pytest.mark.alone
def test_an_idle_connection_does_not_keep_it() -> None:
    with running() as (process, address), httpx.Client() as client:
        client.get(f"{address}/pid")
        with lived() as spent:
            assert end(process) == 0
        assert spent.seconds < 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_app_that_cannot_be_made_ends_it_with_a_failure(workers: int) -> None:
    with running("broken", workers=workers) as (process, _):
        _, stderr = process.communicate(timeout=15)

    assert process.returncode not in (0, None)
    assert "no app today" in stderr


def test_a_killed_worker_is_replaced() -> None:
    with running(workers=2) as (_, address):
        killed = int(httpx.get(f"{address}/pid").text)
        signal_to(killed, signal.SIGKILL)
        # The other one answers at once, whatever the state of the new one.
        assert int(httpx.get(f"{address}/pid").text) != killed

        deadline = time.monotonic() + 15
        seen: set[str] = set()
        while len(seen) < 2 and time.monotonic() < deadline:
            seen |= pids(address)
        assert len(seen) == 2
        assert str(killed) not in seen


def test_a_hung_worker_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUNG_CHECKS", "5")
    with running(workers=2) as (_, address), httpx.Client(base_url=address, timeout=60) as client:
        hung = client.get("/pid").text
        # On the same connection, and so in the same worker; it is killed before it answers.
        with pytest.raises(httpx.TransportError):
            client.get("/hang")

        deadline = time.monotonic() + 30
        seen: set[str] = set()
        while len(seen) < 2 and time.monotonic() < deadline:
            seen |= pids(address)
        assert len(seen) >= 2
        assert hung not in seen


def test_workers_end_when_their_parent_is_killed() -> None:
    with running(workers=2) as (process, address):
        process.kill()
        process.wait(5)

        deadline = time.monotonic() + 10
        while answers(address):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", b"431"),
    ],
)
def test_what_is_not_http_is_answered_in_json(served: str, sent: bytes, status: bytes) -> None:
    host, port = served.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"content-type: application/json" in answer
    assert b'{"errors":[{"code":"' in answer


def test_the_server_does_not_tell_what_it_is_made_of(served: str) -> None:
    assert "server" not in httpx.get(f"{served}/pid").headers


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ListenError, match=f"Port {port} of 127.0.0.1 is taken") as raised:
            listen("127.0.0.1", port)

    assert "--port" in str(raised.value)


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "a" * 300])
def test_an_address_of_another_machine_is_told_in_one_line(host: str) -> None:
    with pytest.raises(ListenError, match=host[:20]) as raised:
        listen(host, 0)

    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with running() as (_, address):
        yield address


def signal_to(pid: int, number: signal.Signals) -> None:
    subprocess.run(["kill", f"-{number.value}", str(pid)], check=True)  # noqa: S603, S607


def pids(address: str) -> set[str]:
    """Return who answers when several ask at once."""
    with ThreadPoolExecutor(8) as pool:
        return {answer.text for answer in pool.map(httpx.get, [f"{address}/pid"] * 16)}


def answers(address: str) -> bool:
    try:
        httpx.get(f"{address}/pid", timeout=1)
    except httpx.TransportError:
        return False
    return True
